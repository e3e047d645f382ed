import type { ProcessRecord } from '@circuit/keeper/client';
import {
  type Cmd,
  cmdToJson,
  exitText,
  isSignalName,
  type Phase,
  type ProcEnd,
  type ProcState,
} from '@circuit/protocol';

/** What `peek` and `wait` say of a process. */
export function procState(cmd: Cmd, record: ProcessRecord): ProcState {
  const end = endOf(record);
  return {
    Cmd: cmdToJson(cmd),
    Exit: end === undefined ? null : exitText(end),
    Phase: phaseOf(record, end),
    Pid: record.pid,
    ExitCode: end?.type === 'exited' ? end.code : null,
    Signal: end?.type === 'signaled' ? end.signal : null,
    Started: new Date(record.startedMs).toISOString(),
    Ended: record.endedMs === undefined ? null : new Date(record.endedMs).toISOString(),
    StdoutBytes: record.stdout.endOffset,
    StderrBytes: record.stderr.endOffset,
    StdoutDroppedBytes: record.stdout.droppedBytes,
    StderrDroppedBytes: record.stderr.droppedBytes,
  };
}

function endOf({ exit }: ProcessRecord): ProcEnd | undefined {
  switch (exit?.kind) {
    case undefined:
      return undefined;
    case 'exited':
      return { type: 'exited', code: exit.code };
    case 'signaled': {
      const bare = exit.signal.replace(/^SIG/, '');
      return { type: 'signaled', signal: isSignalName(bare) ? bare : exit.signal };
    }
    case 'unknown':
      return { type: 'unknown' };
  }
}

function phaseOf({ phase }: ProcessRecord, end: ProcEnd | undefined): Phase {
  return phase === 'ended' ? (end?.type ?? 'unknown') : phase;
}
