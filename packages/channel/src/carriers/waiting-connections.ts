import type { Socket } from 'node:net';
import type { Clock, Timer } from '@circuit/base';
import { remote } from './tcp.js';

interface WaitingConnection {
  readonly socket: Socket;
  readonly timer: Timer;
}

/** At most this many connections may be without a session; the oldest makes room. */
const maxWaitingConnections = 4096;

/**
 * The connections of a listener that carry no session yet: each has `handshakeMs` for it. They are told apart by the
 * peer's address, which a TLS socket and the connection below it both know.
 */
export class WaitingConnections {
  readonly #clock: Clock;
  readonly #handshakeMs: number;
  readonly #waiting = new Map<string, WaitingConnection>();

  constructor(clock: Clock, handshakeMs: number) {
    this.#clock = clock;
    this.#handshakeMs = handshakeMs;
  }

  /** A connection came in. */
  add(socket: Socket): void {
    const address = remote(socket);
    const timer = this.#clock.after(this.#handshakeMs, () => socket.destroy());
    const entry = { socket, timer };
    this.#waiting.set(address, entry);
    socket.once('close', () => {
      timer.cancel();
      if (this.#waiting.get(address) === entry) this.#waiting.delete(address);
    });
    if (this.#waiting.size <= maxWaitingConnections) return;
    for (const [, oldest] of this.#waiting) {
      oldest.socket.destroy();
      break;
    }
  }

  /** The connection of `socket` carries a session. */
  release(socket: Socket): void {
    const address = remote(socket);
    this.#waiting.get(address)?.timer.cancel();
    this.#waiting.delete(address);
  }

  /** Drops them all. */
  close(): void {
    for (const { socket } of [...this.#waiting.values()]) socket.destroy();
  }
}
