import type { Socket } from 'node:net';
import { type Clock, checkMs, type Timer } from '@circuit/base';
import { remote } from '../socket/addresses.js';

interface WaitingConnection {
  readonly drop: () => void;
  readonly timer: Timer;
}

/** At most this many connections may be without a session; the oldest makes room. */
const maxWaitingConnections = 4096;

/**
 * The connections of a listener that carry no session: each has `handshakeMs` for it. They are told apart by the peer's
 * address, which a TLS socket, HTTP/2 and the connection below them all know.
 */
export class WaitingConnections {
  readonly #clock: Clock;
  readonly #handshakeMs: number;
  readonly #maxWaiting: number;
  readonly #waiting = new Map<string, WaitingConnection>();
  #closed = false;

  constructor(clock: Clock, handshakeMs: number, maxWaiting: number = maxWaitingConnections) {
    checkMs('handshakeMs', handshakeMs);
    this.#clock = clock;
    this.#handshakeMs = handshakeMs;
    this.#maxWaiting = maxWaiting;
  }

  /** A connection came in. */
  add(socket: Socket): void {
    const address = remote(socket);
    socket.once('close', () => this.#forget(address));
    this.#wait(address, () => socket.destroy());
    if (this.#waiting.size <= this.#maxWaiting) return;
    for (const [, oldest] of this.#waiting) {
      oldest.drop();
      break;
    }
  }

  /** The connection of `socket` carries a session. */
  release(socket: Socket): void {
    this.#forget(remote(socket));
  }

  /** The connection of `socket` carries none any more; `drop` ends it. */
  idle(socket: Socket, drop: () => void): void {
    this.#wait(remote(socket), drop);
  }

  /** Drops them all, and those that lose their last session later. */
  close(): void {
    this.#closed = true;
    for (const { drop } of [...this.#waiting.values()]) drop();
  }

  #wait(address: string, drop: () => void): void {
    this.#forget(address);
    if (this.#closed) {
      drop();
      return;
    }
    this.#waiting.set(address, { drop, timer: this.#clock.after(this.#handshakeMs, drop) });
  }

  #forget(address: string): void {
    this.#waiting.get(address)?.timer.cancel();
    this.#waiting.delete(address);
  }
}
