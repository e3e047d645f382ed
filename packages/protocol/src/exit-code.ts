import type { CircuitError } from '@circuit/base';
import { isSignalName, signalNumber } from './signal-name.js';
import type { ProcState } from './state.js';

/** The exit codes of the command, by what they say. */
export const exitCodes: {
  readonly done: 0;
  readonly failed: 1;
  readonly usage: 2;
  readonly notFound: 3;
  readonly denied: 4;
  readonly conflict: 5;
  readonly partial: 6;
  readonly deadline: 124;
  readonly unreachable: 125;
  readonly notExecutable: 126;
  readonly noCommand: 127;
  readonly linkLost: 255;
} = {
  done: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  denied: 4,
  conflict: 5,
  partial: 6,
  deadline: 124,
  unreachable: 125,
  notExecutable: 126,
  noCommand: 127,
  linkLost: 255,
};

/**
 * Who asks for an exit code. `plain`: a verb of its own; `remote-before`, `remote-after`: a verb that passes on the code
 * of a command elsewhere (`run`, `wait`, `exec` on one target), before and after that command has begun.
 */
export type ExitSituation = 'plain' | 'remote-before' | 'remote-after';

/** The exit code for a failure. */
export function exitCodeOf(error: CircuitError, situation: ExitSituation = 'plain'): number {
  switch (situation) {
    case 'plain':
      return plainCode(error);
    case 'remote-before':
      return beforeCode(error);
    case 'remote-after':
      return afterCode(error);
  }
}

/**
 * The exit code that passes on the end of a process: its own, 128 + n for signal n, or 255 where nobody knows (or it has
 * not ended): never 0 without proof.
 */
export function exitCodeOfProc(state: Pick<ProcState, 'Phase' | 'ExitCode' | 'Signal'>): number {
  if (state.Phase === 'exited' && state.ExitCode !== null) return state.ExitCode & 0xff;
  if (state.Phase === 'signaled' && isSignalName(state.Signal)) return 128 + signalNumber(state.Signal);
  return exitCodes.linkLost;
}

function plainCode(error: CircuitError): number {
  switch (error.code) {
    case 'invalid':
      return exitCodes.usage;
    case 'not-found':
      // A file of this machine that was named, such as a key: that an anchor is absent is another matter.
      return error.detail === 'ENOENT' ? exitCodes.usage : exitCodes.notFound;
    case 'denied':
      return exitCodes.denied;
    case 'conflict':
    case 'gone':
    case 'closed':
    case 'aborted':
      return exitCodes.conflict;
    case 'gap':
      return exitCodes.partial;
    case 'timeout':
      return exitCodes.deadline;
    case 'unreachable':
      return exitCodes.unreachable;
    case 'cannot-start':
      return startCode(error);
    case 'cancelled':
    case 'peer-gone':
    case 'outcome-unknown':
    case 'undelivered':
    case 'limit':
    case 'protocol':
    case 'unsupported':
    case 'io':
    case 'internal':
      return exitCodes.failed;
  }
}

/** Nothing runs yet, so all is 125 but what says more; a lost link leaves open whether it runs. */
function beforeCode(error: CircuitError): number {
  switch (error.code) {
    case 'timeout':
      return exitCodes.deadline;
    case 'cannot-start':
      return startCode(error);
    case 'outcome-unknown':
      return exitCodes.linkLost;
    default:
      return exitCodes.unreachable;
  }
}

/** It ran: a waiter whose element was scrubbed knows that; after anything else nobody can say how it ended. */
function afterCode(error: CircuitError): number {
  switch (error.code) {
    case 'timeout':
      return exitCodes.deadline;
    case 'aborted':
      return exitCodes.conflict;
    default:
      return exitCodes.linkLost;
  }
}

/** As a shell answers: 127 when there is no such file, 126 when it cannot be run. */
function startCode(error: CircuitError): number {
  return error.detail === 'not-found' || error.detail === 'ENOENT' ? exitCodes.noCommand : exitCodes.notExecutable;
}
