import { CircuitError } from '@circuit/base';
import { type Cmd, orThrow, parsePath } from '@circuit/protocol';

/** What the daemon keeps of a process over its restarts; the keeper keeps the rest under `id`. */
export interface ProcRecord {
  /** Name of the process at its keeper. */
  readonly id: string;
  readonly path: string;
  readonly number: number;
  readonly cmd: Cmd;
}

/** Reads a record that an earlier daemon wrote. Throws `invalid` for one that cannot be understood. */
export function readProcRecord(text: string, id: string): ProcRecord {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw malformed(id, 'no JSON', cause);
  }
  if (typeof value !== 'object' || value === null) throw malformed(id, 'no object');
  const { path, number, cmd } = value as Record<string, unknown>;
  if (!Number.isSafeInteger(number)) throw malformed(id, 'no element number');
  if (!isCmd(cmd)) throw malformed(id, 'no command');
  return { id, path: orThrow(parsePath(path)).text, number: number as number, cmd };
}

/** The text of `record` for its file; holds the environment of the command, so the file is the owner's alone. */
export function writeProcRecord({ path, number, cmd }: ProcRecord): string {
  return JSON.stringify({ path, number, cmd });
}

/** The form in which this daemon wrote it; it was checked when it came. */
function isCmd(value: unknown): value is Cmd {
  if (typeof value !== 'object' || value === null) return false;
  const { path, args } = value as Record<string, unknown>;
  return typeof path === 'string' && Array.isArray(args) && args.every((arg) => typeof arg === 'string');
}

function malformed(id: string, why: string, cause?: unknown): CircuitError {
  return new CircuitError('invalid', `record of process ${id}: ${why}`, { cause });
}
