import type { CmdJson } from './command.js';
import type { ElementKind } from './kind.js';
import { isSignalName, type SignalName, signalWords } from './signal-name.js';

/** Where a process is in its life. `unknown`: it has ended, or its keeper has, and nobody can tell how. */
export type Phase = 'running' | 'exited' | 'stopped' | 'signaled' | 'continued' | 'unknown';

/** The names of {@link Phase}, for programs. */
export const Phase: { readonly [P in Capitalize<Phase>]: Uncapitalize<P> } = {
  Running: 'running',
  Exited: 'exited',
  Stopped: 'stopped',
  Signaled: 'signaled',
  Continued: 'continued',
  Unknown: 'unknown',
};

/** What `peek` says of a server. Times are ISO 8601 in UTC. */
export interface ServerState {
  readonly Addr: string;
  /** When it joined the cluster. */
  readonly Joined: string;
  readonly Id: string;
  readonly Name: string;
  readonly Version: string;
  readonly Labels: Readonly<Record<string, string>>;
  readonly Dc: string;
  /** The load average over one minute. */
  readonly Load: number;
  /** How late the server's event loop has been of late. */
  readonly LagMs: number;
}

/** What `peek` and `wait` say of a process. */
export interface ProcState {
  readonly Cmd: CmdJson;
  /** `null` while it runs and after a success, else `exit status 3` or `signal: terminated`. */
  readonly Exit: string | null;
  readonly Phase: Phase;
  readonly Pid: number;
  /** 0–255 once it exited by itself, else `null`. */
  readonly ExitCode: number | null;
  /** The signal that ended it, without `SIG`, else `null`. */
  readonly Signal: string | null;
  readonly Started: string;
  readonly Ended: string | null;
  /** All bytes it ever wrote, kept or not. */
  readonly StdoutBytes: number;
  readonly StderrBytes: number;
  /** Of these, bytes that are no longer kept (dropped as the oldest, or on a full disk). */
  readonly StdoutDroppedBytes: number;
  readonly StderrDroppedBytes: number;
}

/** One who waits at a channel. */
export interface ChanWaiter {
  readonly Who: string;
  readonly Since: string;
}

/** What `peek` and `stat` say of a channel. */
export interface ChanState {
  readonly Cap: number;
  readonly Closed: boolean;
  readonly Aborted: boolean;
  /** Completed sends and receives. */
  readonly NumSend: number;
  readonly NumRecv: number;
  /** Whole messages in the buffer, and the bytes of all that is held. */
  readonly Buffered: number;
  readonly BufferedBytes: number;
  /** The first of those who wait, oldest first, at most {@link maxWaitersShown}. */
  readonly Senders: readonly ChanWaiter[];
  readonly Receivers: readonly ChanWaiter[];
}

/** How many waiters of each side a {@link ChanState} shows. */
export const maxWaitersShown = 100;

/** What `peek` says of a name server; records in presentation form, by name. */
export interface DnsState {
  readonly Address: string;
  readonly Records: Readonly<Record<string, readonly string[]>>;
}

/** What `peek` says of a subscription. */
export interface SubscriptionState {
  readonly Source: 'join' | 'leave';
  readonly Pending: number;
  readonly Closed: boolean;
}

/** What `peek` says of a store. */
export interface StoreState {
  readonly Revision: number;
  readonly Keys: number;
  readonly Bytes: number;
}

/** What `peek` says of a container: what its engine says. */
export type DockerState = Readonly<Record<string, unknown>>;

/** The state of each kind of element. */
export interface ElementStates {
  server: ServerState;
  chan: ChanState;
  proc: ProcState;
  docker: DockerState;
  dns: DnsState;
  store: StoreState;
  '@join': SubscriptionState;
  '@leave': SubscriptionState;
}

export type ElementState = ElementStates[ElementKind];

/** Whether a process in this phase will never run again. */
export function isEnded(phase: Phase): boolean {
  return phase === 'exited' || phase === 'signaled' || phase === 'unknown';
}

/** How a process ended. */
export type ProcEnd =
  | { readonly type: 'exited'; readonly code: number }
  | { readonly type: 'signaled'; readonly signal: SignalName | (string & {}) }
  | { readonly type: 'unknown' };

/** The `Exit` of a {@link ProcState}: `null` for a success, as for a process that runs. */
export function exitText(end: ProcEnd): string | null {
  switch (end.type) {
    case 'exited':
      return end.code === 0 ? null : `exit status ${end.code}`;
    case 'signaled':
      return `signal: ${isSignalName(end.signal) ? signalWords(end.signal) : end.signal}`;
    case 'unknown':
      return 'unknown';
  }
}
