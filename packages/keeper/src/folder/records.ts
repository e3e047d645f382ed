import type { OutputMode, ProcessExit, ProcessSpec } from '../client/types.js';
import type { ProcessTable } from '../platform/process-table.js';
import { readJson } from './json-file.js';
import type { KeeperFiles, ProcessFiles } from './process-files.js';

/** What makes a process this one and no later one with the same pid. */
export interface Identity {
  readonly pid: number;
  readonly startTime: string;
  readonly bootId: string;
}

/** `birth.json`, written right after the start. */
export interface BirthRecord extends Identity {
  readonly startedMs: number;
}

/** `exit.json`, written when the end is known, or known to be unknowable, and again when a stream outlived it. */
export interface ExitRecord {
  readonly exit: ProcessExit;
  readonly endedMs: number;
  /** Absent while somebody still holds the stream. */
  readonly stdout?: EofRecord;
  readonly stderr?: EofRecord;
}

/** The end of a stream. */
export interface EofRecord {
  readonly endOffset: number;
  readonly lostBytes: number;
}

/** `keeper.json`, written when the keeper listens. */
export interface KeeperRecord extends Identity {
  readonly socket: string;
  /** SHA-256 of the bundle, hex. */
  readonly bundle: string;
}

/** The identity of a running process; undefined when there is none with this pid. */
export function identify(table: ProcessTable, pid: number): Identity | undefined {
  const facts = table.read(pid);
  return facts === undefined ? undefined : { pid, startTime: facts.startTime, bootId: table.bootId };
}

/** Whether the very process of `identity` still runs; a zombie does not. */
export function isAlive(table: ProcessTable, identity: Identity): boolean {
  if (identity.bootId !== table.bootId) return false;
  const facts = table.read(identity.pid);
  return facts !== undefined && facts.state !== 'dead' && facts.startTime === identity.startTime;
}

export function readKeeperRecord(files: KeeperFiles): KeeperRecord | undefined {
  const value = readJson(files.record);
  const identity = identityOf(value);
  if (value === undefined || identity === undefined) return undefined;
  const { socket, bundle } = value;
  return typeof socket === 'string' && typeof bundle === 'string' ? { ...identity, socket, bundle } : undefined;
}

export function readBirth(files: ProcessFiles): BirthRecord | undefined {
  const value = readJson(files.birth);
  const identity = identityOf(value);
  if (identity === undefined || typeof value?.startedMs !== 'number') return undefined;
  return { ...identity, startedMs: value.startedMs };
}

export function readExit(files: ProcessFiles): ExitRecord | undefined {
  const value = readJson(files.exit);
  if (value === undefined || typeof value.endedMs !== 'number') return undefined;
  const exit = exitOf(value.exit);
  const stdout = eofOf(value.stdout);
  const stderr = eofOf(value.stderr);
  if (exit === undefined) return undefined;
  return {
    exit,
    endedMs: value.endedMs,
    ...(stdout === undefined ? {} : { stdout }),
    ...(stderr === undefined ? {} : { stderr }),
  };
}

/** The spec that was started. Our own file: its shape is trusted once its id is right. */
export function readSpec(files: ProcessFiles, id: string): ProcessSpec | undefined {
  const value = readJson(files.spec);
  return value?.id === id && isMode(value.mode) ? (value as unknown as ProcessSpec) : undefined;
}

function identityOf(value: Readonly<Record<string, unknown>> | undefined): Identity | undefined {
  if (value === undefined) return undefined;
  const { pid, startTime, bootId } = value;
  if (typeof pid !== 'number' || typeof startTime !== 'string' || typeof bootId !== 'string') return undefined;
  return { pid, startTime, bootId };
}

/** An exit that came from a file or from the wire; undefined when it is none, so that it can never be taken for 0. */
export function exitOf(value: unknown): ProcessExit | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { kind, code, signal, reason } = value as Readonly<Record<string, unknown>>;
  if (kind === 'exited' && typeof code === 'number') return { kind, code };
  if (kind === 'signaled' && typeof signal === 'string') return { kind, signal };
  if (kind === 'unknown' && typeof reason === 'string') return { kind, reason };
  return undefined;
}

function eofOf(value: unknown): EofRecord | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { endOffset, lostBytes } = value as Readonly<Record<string, unknown>>;
  return typeof endOffset === 'number' && typeof lostBytes === 'number' ? { endOffset, lostBytes } : undefined;
}

function isMode(value: unknown): value is OutputMode {
  return value === 'log' || value === 'pipe';
}
