import { close } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { getSystemErrorName } from 'node:util';
import type { CircuitError } from '@circuit/base';
import { socketError } from '../carriers/socket-error.js';

/** A descriptor that is watched. */
export type Watcher = object & { readonly watcher: unique symbol };

/** The native part, `native/descriptors.c`. A number below zero is `-errno`. */
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
}

/** The native part, or why there is none. `CIRCUIT_NO_NATIVE=1` leaves it out. */
export type Loaded = { readonly native: Native } | { readonly native?: undefined; readonly missing: string };

/** Loads the native part that was built for this system; later calls find it loaded. Never throws. */
export function loadNative(): Loaded {
  if (process.env.CIRCUIT_NO_NATIVE === '1') return { missing: 'CIRCUIT_NO_NATIVE is set' };
  // Others that load add-ons of Node have no event loop of libuv behind them.
  if (process.versions.bun !== undefined || process.versions.deno !== undefined) return { missing: 'this is not Node' };
  const folder = `${process.platform}-${process.arch}`;
  try {
    const path = fileURLToPath(new URL(`../../native/prebuilt/${folder}/descriptors.node`, import.meta.url));
    return { native: createRequire(import.meta.url)(path) as Native };
  } catch (error) {
    return { missing: `no native part for ${folder}: ${(error as Error).message.split('\n')[0]}` };
  }
}

/** Why descriptors can't be passed from here; `undefined` if they can. A byte stream stands in for all of them then. */
export function nativeMissing(): string | undefined {
  const loaded = loadNative();
  return loaded.native === undefined ? loaded.missing : undefined;
}

/** What the system said with the negative number `code`. */
export function systemError(what: string, code: number): CircuitError {
  const name = getSystemErrorName(code);
  return socketError(what, Object.assign(new Error(name), { code: name }));
}

/** Closes off the main thread: the last close of a file can wait for its file system. */
export function closeFd(fd: number): void {
  // Node's own close would warn in a worker of what Node has not opened, and this one would hide from Node what it has.
  if (loadNative().native?.close(fd) !== 1) close(fd, ignore);
}

/** The caller, or whom it gives `fd` to, closes it from now on. */
export function releaseFd(fd: number): number {
  loadNative().native?.release(fd);
  return fd;
}

function ignore(): void {}
