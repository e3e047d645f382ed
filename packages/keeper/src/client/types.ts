import type { Clock, Logger, WaitOptions } from '@circuit/base';

/** The two streams a process writes. */
export type StreamName = 'stdout' | 'stderr';

/**
 * What happens to output that nobody has read yet. `log`: it is kept on disk up to a bound, then the oldest is dropped,
 * which a reader hears as a gap. `pipe`: the process waits for its one reader and nothing is lost.
 */
export type OutputMode = 'log' | 'pipe';

/** What to start. */
export interface StartSpec {
  /** The name of the process in the set: 1–64 of `A-Z a-z 0-9 _ -`; a random one when absent. */
  readonly id?: string;
  /** The executable: with a slash it is taken relative to `cwd`, without one it is searched on PATH. */
  readonly path: string;
  /** The arguments after the program's name. */
  readonly args?: readonly string[];
  /** Replaces the environment wholly; absent means this process's own. Values are kept on disk in files of mode 0600. */
  readonly env?: Readonly<Record<string, string>>;
  /** Absolute; `/` when absent. */
  readonly cwd?: string;
  /** `log` when absent. */
  readonly mode?: OutputMode;
  /** `log` only: bytes kept of both streams together; 1 GiB when absent, at least 64 KiB, never more than the bound over all. */
  readonly keepBytes?: number;
  /** `pipe` only: unread bytes per stream at which the process begins to wait; 4 MiB when absent. */
  readonly windowBytes?: number;
  /** `closed` gives the process an end of file at once; `open` (when absent) lets its read wait until {@link KeeperSet.closeStdin}. */
  readonly stdin?: 'open' | 'closed';
}

/** What was started, as it is kept on disk. */
export interface ProcessSpec {
  readonly id: string;
  readonly path: string;
  /** The file that was run: `path` after the search on PATH. */
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly mode: OutputMode;
  readonly keepBytes: number;
  readonly windowBytes: number;
}

/** Why nothing was started; `exitCode` is what a shell would answer. */
export interface StartRefusal {
  readonly ok: false;
  readonly code: 'not-found' | 'not-executable';
  readonly exitCode: 127 | 126;
  /** Which of the two is at fault. */
  readonly what: 'executable' | 'cwd';
  /** The system's name of the error, such as `ENOENT`, `EACCES`, `ENOTDIR`. */
  readonly errno: string;
  /** What, where, with which value. */
  readonly message: string;
}

export type StartResult = { readonly ok: true; readonly process: ProcessRecord } | StartRefusal;

/** How a process ended. `unknown`: nobody was there to hear it (its keeper was killed, the machine restarted); never 0. */
export type ProcessExit =
  | { readonly kind: 'exited'; readonly code: number }
  | { readonly kind: 'signaled'; readonly signal: string }
  | { readonly kind: 'unknown'; readonly reason: string };

export type ProcessPhase = 'running' | 'stopped' | 'continued' | 'ended';

/** One stream by absolute offset: bytes `startOffset`–`endOffset` can be read, except for gaps. */
export interface StreamRecord {
  /** The first byte still kept (in `pipe` mode: the first not acknowledged). */
  readonly startOffset: number;
  /** One past the last byte the process has written and the keeper has taken. */
  readonly endOffset: number;
  /** All writers are gone: `endOffset` is final. May come long after the process's end. */
  readonly eof: boolean;
  /** Bytes that never reached the disk because it was full. */
  readonly lostBytes: number;
  /** Bytes that a reader from the start would miss, each counted once: lost, or dropped to keep a bound. Not those that a `pipe` reader took. */
  readonly droppedBytes: number;
}

/**
 * What the set knows of one process. A snapshot: a change makes a new record. The end offsets of a running process are
 * as of the last change of phase; an {@link OutputReader} follows the bytes.
 */
export interface ProcessRecord {
  readonly id: string;
  readonly pid: number;
  /** The start of the process in the kernel's own unit (field 22 of /proc/PID/stat); with boot id and pid its identity. */
  readonly startTime: string;
  readonly bootId: string;
  readonly phase: ProcessPhase;
  /** Present when `phase` is `ended`, and only then. */
  readonly exit?: ProcessExit;
  readonly mode: OutputMode;
  /** Whether the process can still be written to. */
  readonly stdin: 'open' | 'closed';
  /** Wall clock, ms since the epoch. */
  readonly startedMs: number;
  readonly endedMs?: number;
  readonly stdout: StreamRecord;
  readonly stderr: StreamRecord;
}

/** A change in the set. `process`: it started, changed its phase, ended, or a stream of it ended; `forgotten`: it left the set. */
export type ProcessEvent =
  | { readonly kind: 'process'; readonly process: ProcessRecord }
  | { readonly kind: 'forgotten'; readonly id: string };

/** What a reader of output meets next. `gap`: bytes `from` (inclusive) to `to` (exclusive) are no longer there. `end`: all writers are gone. */
export type OutputItem =
  | { readonly kind: 'data'; readonly offset: number; readonly bytes: Uint8Array }
  | { readonly kind: 'gap'; readonly from: number; readonly to: number }
  | { readonly kind: 'end'; readonly offset: number };

export interface OutputOptions {
  /** Absolute offset of the first byte wanted; `start` (when absent) is the first byte kept, `end` the present end. */
  readonly from?: number | 'start' | 'end';
  /** False ends the reader at the end offset of the moment it gets there, instead of waiting for more. True when absent. */
  readonly follow?: boolean;
  /**
   * `pipe` only. `read` (when absent): asking for the next item acknowledges all before it. `manual`: only
   * {@link OutputReader.acknowledge} does, for a caller that must first pass the bytes on.
   */
  readonly acknowledge?: 'read' | 'manual';
}

/** Reads one stream of one process. Any number of readers of a `log` stream; a `pipe` stream has one at a time. */
export interface OutputReader extends AsyncIterable<OutputItem> {
  /**
   * The next item: data as soon as there is any, at most 256 KiB. After `end` every call answers `end` again.
   * Rejects with `closed` after {@link OutputReader.close}, `gone` when the process was forgotten and `io` for a disk error.
   * Calls must not overlap. The bytes belong to the caller.
   */
  read(options?: WaitOptions): Promise<OutputItem>;
  /** `pipe` only: bytes before `offset` are dealt with and may be deleted; the process goes on. */
  acknowledge(offset: number): void;
  /** Lets the stream go. In `pipe` mode the process then waits for the next reader. Idempotent. */
  close(): Promise<void>;
}

/** The one writer of a process's stdin. */
export interface StdinWriter {
  /**
   * Resolves when the kernel has taken all of `bytes`, so it waits while the process does not read. Rejects with `closed`
   * (detail `EPIPE`) when the process has closed its stdin or ended. A write given up by its signal ends the writer, since
   * part of its bytes may have gone.
   */
  write(bytes: Uint8Array, options?: WaitOptions): Promise<void>;
  /** End of file for the process, after all writes. Idempotent. */
  close(): Promise<void>;
  /** Lets stdin go without an end of file; another writer may open it. Idempotent. */
  release(): Promise<void>;
}

export interface KeeperSetOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** The bundled keeper, `dist/keeper.mjs` of this package; it is copied before it is run. */
  readonly bundlePath: string;
  /** The folder for the keepers' sockets, made with mode 0700; `<stateFolder>/keepers/<n>` when absent. Socket paths over 100 bytes are refused. */
  readonly socketFolder?: string;
  /** The Node to run; this process's own when absent. */
  readonly nodePath?: string;
  /** Size of one segment of output; 8 MiB when absent. */
  readonly segmentBytes?: number;
  /**
   * Bytes of `log` output kept per keeper, at least 64 KiB; a tenth of the disk when absent. Keepers that already run take it over.
   */
  readonly keepTotalBytes?: number;
  /** How long a keeper with nothing left to do is kept for the next start; 10 s when absent. */
  readonly idleMs?: number;
}

/**
 * All processes below one state folder, those of earlier daemons included. One daemon at a time: the caller holds the
 * lock of the folder. The table is local, so `list`, `get` and `watch` do no I/O.
 */
export interface KeeperSet {
  /**
   * Starts a process. Resolves when it runs or cannot run. Rejects with `conflict` (the id is taken), `invalid` (a bad spec),
   * `limit` (too large, or the machine has no room), `outcome-unknown` (the keeper died meanwhile). `signal` gives it up only
   * until the keeper is asked: from there on it is waited for, and who has given up ends what runs.
   */
  start(spec: StartSpec, options?: WaitOptions): Promise<StartResult>;
  /** Every process not yet forgotten, by start. */
  list(): readonly ProcessRecord[];
  get(id: string): ProcessRecord | undefined;
  /** What was started. Rejects with `not-found`. */
  spec(id: string): Promise<ProcessSpec>;
  /** Resolves at the process's end, whatever happens to its streams. Rejects with `not-found`, or `aborted` when it is forgotten meanwhile. */
  wait(id: string, options?: WaitOptions): Promise<ProcessRecord>;
  /** Sends a signal (`SIGTERM`), to the whole process group with `group`. Rejects with `not-found`, `gone` after its end (of a group: when nobody holds the output any more), `invalid` for an unknown name. */
  signal(id: string, signal: string, options?: WaitOptions & { readonly group?: boolean }): Promise<void>;
  /** Rejects with `conflict` while another writer has it, `closed` when stdin is closed, `gone` after the process's end. */
  openStdin(id: string, options?: WaitOptions): Promise<StdinWriter>;
  /** End of file for a process whose stdin nobody has open; no change when it is closed. Rejects with `conflict` while a writer has it. */
  closeStdin(id: string, options?: WaitOptions): Promise<void>;
  /** Opens a reader; does no I/O yet. Throws `not-found`, or `conflict` when a `pipe` stream has a reader. */
  openOutput(id: string, stream: StreamName, options?: OutputOptions): OutputReader;
  /** Calls `listener` for every later change, in order. The result takes it off. */
  watch(listener: (event: ProcessEvent) => void): () => void;
  /** Removes the record and the output. A running process goes on, unheard: its output is thrown away. Rejects with `not-found`. */
  forget(id: string, options?: WaitOptions): Promise<void>;
  /** Kills every process group with SIGKILL, waits for the ends, and ends the keepers. The records stay. The set is closed afterwards. */
  shutdown(options?: WaitOptions): Promise<void>;
  /** Leaves the keepers alone: processes go on. Open readers and writers end with `closed`. Idempotent. */
  close(): Promise<void>;
}
