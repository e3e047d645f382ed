import type { CircuitError } from '@circuit/base';
import { exitCodes, type ProcState } from '@circuit/protocol';

/** What is known of the command that a verb passes on: for programs that read `-o json` instead of exit codes. */
export type Outcome = 'ended' | 'not-begun' | 'deadline' | 'aborted' | 'unknown';

/** The state of a process with its outcome. */
export function endedOutcome(state: ProcState): ProcState & { readonly Outcome: Outcome } {
  return { ...state, Outcome: state.Phase === 'unknown' ? 'unknown' : 'ended' };
}

/** The same where no state came: what failed, and what that says of the command. */
export function failedOutcome(exitCode: number, { code, message }: CircuitError): Readonly<Record<string, string>> {
  return { Outcome: outcomeOf(exitCode), Code: code, Message: message };
}

function outcomeOf(exitCode: number): Outcome {
  switch (exitCode) {
    case exitCodes.deadline:
      return 'deadline';
    case exitCodes.conflict:
      return 'aborted';
    case exitCodes.unreachable:
    case exitCodes.notExecutable:
    case exitCodes.noCommand:
      return 'not-begun';
    default:
      return 'unknown';
  }
}
