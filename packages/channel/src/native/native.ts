import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

/** A descriptor that is watched. */
export type Watcher = object & { readonly watcher: unique symbol };

/** The native part (`packages/channel/native`). A number below zero is `-errno`. */
export interface Native {
  /**
   * What this and the two that follow answer with belongs to this thread until it is closed or released: a worker that is
   * terminated can't close it any more.
   */
  connect(path: string): number;
  duplicate(fd: number): number;
  /** 1: a connected stream socket, 2: a listening one, 3: another socket. */
  socketKind(fd: number): number;
  /** Writes `bytes` with the descriptor, if it is not below zero. Answers with the bytes written. */
  send(lane: number, bytes: Uint8Array, fd: number): number;
  /** Bytes read, whether descriptors were cut off, descriptors. */
  receive(lane: number, bytes: Uint8Array): [bytes: number, cut: number, ...fds: number[]];
  /** Closes in the thread pool what belongs to this thread; 0: it does not. */
  close(fd: number): number;
  /** It is somebody else's to close from now on. */
  release(fd: number): number;
  /** Nothing more will be written to a socket. */
  shutdown(fd: number): number;
  /** A watcher that waits keeps the process alive if `holds` is 1. Makes what is behind `fd` non-blocking. */
  watch(fd: number, run: (events: number) => void, holds: 0 | 1): Watcher | number;
  /** 1: readable, 2: writable. */
  setEvents(watcher: Watcher, events: number): number;
  unwatch(watcher: Watcher): void;
  /** Whoever else wants the processor that this thread runs on may have it first. */
  yieldProcessor(this: void): void;
}

/** The native part, or why there is none. `CIRCUIT_NO_NATIVE=1` leaves it out. */
export type Loaded = { readonly native: Native } | { readonly native?: undefined; readonly missing: string };

/** Loads the native part that was built for this system; later calls find it loaded. Never throws. */
export function loadNative(): Loaded {
  // Others that load add-ons of Node have no event loop of libuv behind them; Deno asks before it shows the environment.
  if (process.versions.bun !== undefined || process.versions.deno !== undefined) return { missing: 'this is not Node' };
  if (process.env.CIRCUIT_NO_NATIVE === '1') return { missing: 'CIRCUIT_NO_NATIVE is set' };
  const folder = `${process.platform}-${process.arch}`;
  try {
    const path = fileURLToPath(new URL(`../../native/prebuilt/${folder}/circuit.node`, import.meta.url));
    return { native: createRequire(import.meta.url)(path) as Native };
  } catch (error) {
    return { missing: `no native part for ${folder}: ${(error as Error).message.split('\n')[0]}` };
  }
}

/** Why there is no native part here; `undefined` if there is. Without it byte streams stand in for descriptors, and waits awake do not yield the processor. */
export function nativeMissing(): string | undefined {
  const loaded = loadNative();
  return loaded.native === undefined ? loaded.missing : undefined;
}
