import { constants } from 'node:os';
import { CircuitError } from '@circuit/base';
import type { Native, Watcher } from '../native/native.js';
import { closeFd, systemError } from './fds.js';

/** What came with one read of a lane; the descriptors belong to the reader. */
export interface LaneBytes {
  readonly kind: 'bytes';
  readonly bytes: Uint8Array;
  readonly fds: readonly number[];
  /** The kernel dropped descriptors that came with it. */
  readonly cut: boolean;
}

/** One read of a lane. */
export type LaneRead =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'failed'; readonly reason: CircuitError }
  | LaneBytes;

/** What a write came to: done, to be tried again when there is room, or not possible with this descriptor or at all. */
export type LaneWrite = 'written' | 'full' | { readonly reason: CircuitError; readonly lane: boolean };

const { EAGAIN, EINTR, EPIPE, ECONNRESET, ENOTCONN } = constants.errno;
const again = [-EAGAIN, -EINTR];
const broken = [-EPIPE, -ECONNRESET, -ENOTCONN];

/** The connection of a lane: a descriptor that libuv polls and never reads. */
export class LaneSocket {
  readonly #native: Native;
  readonly #fd: number;
  readonly #watcher: Watcher;
  #events = 0;
  #closed = false;

  /** Takes `fd` over. Throws `limit` or `io` when it cannot be watched. */
  constructor(native: Native, fd: number, onReady: (readable: boolean, writable: boolean) => void) {
    this.#native = native;
    this.#fd = fd;
    const run = (events: number): void => {
      if (this.#closed) return;
      // libuv stops to poll what is broken.
      if (events < 0) this.#events = 0;
      onReady(events < 0 || (events & 1) !== 0, events < 0 || (events & 2) !== 0);
    };
    const watcher = native.watch(fd, run, 0);
    if (typeof watcher === 'number') {
      closeFd(fd);
      throw systemError('watch a lane', watcher);
    }
    this.#watcher = watcher;
  }

  /** What is to be told. */
  await(readable: boolean, writable: boolean): void {
    const events = (readable ? 1 : 0) | (writable ? 2 : 0);
    if (events === this.#events || this.#closed) return;
    this.#events = events;
    this.#native.setEvents(this.#watcher, events);
  }

  /** One read of `room` bytes; the descriptors that came are the caller's. */
  read(room: number): LaneRead {
    const buffer = new Uint8Array(room);
    const [got, cut, ...fds] = this.#native.receive(this.#fd, buffer);
    if (again.includes(got)) return { kind: 'nothing' };
    if (got < 0) return { kind: 'failed', reason: systemError('read of a lane', got) };
    if (got === 0 && fds.length === 0) return { kind: 'failed', reason: systemError('read of a lane', -ECONNRESET) };
    return { kind: 'bytes', bytes: buffer.subarray(0, got), fds, cut: cut !== 0 };
  }

  /** One write, with a descriptor if `fd` is not below zero; it stays the caller's. */
  write(bytes: Uint8Array, fd = -1): LaneWrite {
    const sent = this.#native.send(this.#fd, bytes, fd);
    if (sent === bytes.length) return 'written';
    if (again.includes(sent)) return 'full';
    const reason = systemError('write to a lane', sent < 0 ? sent : -EPIPE);
    return { reason, lane: sent >= 0 || broken.includes(sent) };
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#native.unwatch(this.#watcher);
    closeFd(this.#fd);
  }
}

/** What a descriptor fails with that nothing can carry any more. */
export function laneGone(): CircuitError {
  return new CircuitError('peer-gone', 'the lane for descriptors is gone');
}
