import type { OutputMode, ProcessPhase, ProcessRecord, StartResult, StreamRecord } from '../client/types.js';
import { exitOf } from '../folder/records.js';
import { isProcessId, type ListAnswer, type OutputAnswer } from './messages.js';

// What a keeper says is checked as well: it may be an older one, or not a keeper at all. Undefined means malformed.

type Fields = Readonly<Record<string, unknown>>;

const phases: readonly ProcessPhase[] = ['running', 'stopped', 'continued', 'ended'];

/** A record from the wire. */
export function readProcessRecord(value: unknown): ProcessRecord | undefined {
  if (!isFields(value)) return undefined;
  const { id, pid, startTime, bootId, phase, stdin, startedMs, endedMs } = value;
  const mode = value.mode === 'pipe' ? 'pipe' : 'log';
  const stdout = readStream(value.stdout, mode);
  const stderr = readStream(value.stderr, mode);
  const known = phases.find((name) => name === phase);
  const exit = exitOf(value.exit);
  if (!isProcessId(id) || known === undefined || stdout === undefined || stderr === undefined) return undefined;
  if (typeof pid !== 'number' || typeof startedMs !== 'number') return undefined;
  if (typeof startTime !== 'string' || typeof bootId !== 'string') return undefined;
  if ((known === 'ended') !== (exit !== undefined)) return undefined;
  return {
    id,
    pid,
    startTime,
    bootId,
    phase: known,
    ...(exit === undefined ? {} : { exit }),
    mode,
    stdin: stdin === 'open' ? 'open' : 'closed',
    startedMs,
    ...(typeof endedMs === 'number' ? { endedMs } : {}),
    stdout,
    stderr,
  };
}

/** The answer to `start`. */
export function readStartAnswer(value: unknown): StartResult | undefined {
  if (!isFields(value)) return undefined;
  if (value.ok === true) {
    const process = readProcessRecord(value.process);
    return process === undefined ? undefined : { ok: true, process };
  }
  const { code, errno, message } = value;
  if (code !== 'not-found' && code !== 'not-executable') return undefined;
  if (typeof errno !== 'string' || typeof message !== 'string') return undefined;
  const what = value.what === 'cwd' ? 'cwd' : 'executable';
  return { ok: false, code, exitCode: code === 'not-found' ? 127 : 126, what, errno, message };
}

/** The answer to `output`. */
export function readOutputAnswer(value: unknown): OutputAnswer | undefined {
  if (!isFields(value)) return undefined;
  const { startOffset, endOffset, eof } = value;
  if (typeof startOffset !== 'number' || typeof endOffset !== 'number' || typeof eof !== 'boolean') return undefined;
  return { startOffset, endOffset, eof };
}

/** The answer to `list`. */
export function readListAnswer(value: unknown): ListAnswer | undefined {
  if (!isFields(value) || !Array.isArray(value.processes)) return undefined;
  const processes: ProcessRecord[] = [];
  for (const item of value.processes as readonly unknown[]) {
    const record = readProcessRecord(item);
    if (record === undefined) return undefined;
    processes.push(record);
  }
  return { processes, ...(typeof value.next === 'number' ? { next: value.next } : {}) };
}

function readStream(value: unknown, mode: OutputMode): StreamRecord | undefined {
  const answer = readOutputAnswer(value);
  if (answer === undefined || !isFields(value) || typeof value.lostBytes !== 'number') return undefined;
  const { lostBytes, droppedBytes } = value;
  if (typeof droppedBytes === 'number') return { ...answer, lostBytes, droppedBytes };
  // An older keeper does not count them. What a `pipe` reader took is not dropped; of a log it is exact where nothing was lost.
  return { ...answer, lostBytes, droppedBytes: mode === 'pipe' ? lostBytes : answer.startOffset };
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
