import type { Socket } from 'node:net';
import { type Clock, checkMs, type Timer } from '@circuit/base';
import { remote } from './addresses.js';

/** At most this many connections of a listener may wait; the oldest makes room. */
export const maxWaitingConnections = 4096;

/** How long a connection may be without a session. */
interface Deadline {
  readonly clock: Clock;
  readonly handshakeMs: number;
}

interface WaitingConnection {
  readonly drop: () => void;
  readonly timer: Timer | undefined;
  /** It carries a session, which has yet to hear of its peer. */
  begun: boolean;
}

/**
 * The connections of a listener whose peer has not said, or proved, who it is: without a session, with one that has heard no HELLO, or
 * refused and not yet closed. They are told apart by their addresses, which a TLS socket, HTTP/2 and the connection below them all
 * know, and where there are none by the socket.
 */
export class WaitingConnections {
  readonly #deadline: Deadline | undefined;
  readonly #maxWaiting: number;
  readonly #waiting = new Map<unknown, WaitingConnection>();
  #closed = false;

  /** Without a `deadline` others see to it that none waits for ever. Throws `invalid` for a `handshakeMs` that cannot work. */
  constructor(deadline?: Deadline, maxWaiting: number = maxWaitingConnections) {
    checkMs('handshakeMs', deadline?.handshakeMs);
    this.#deadline = deadline;
    this.#maxWaiting = maxWaiting;
  }

  /** A connection came in. */
  add(socket: Socket): void {
    const key = keyOf(socket);
    socket.once('close', () => this.#forget(key));
    this.#wait(key, () => socket.destroy());
  }

  /** The connection of `socket` carries a session now, which has a time of its own; what is returned says that its peer was heard. */
  begin(socket: Socket): () => void {
    const key = keyOf(socket);
    const connection = this.#waiting.get(key);
    if (connection === undefined) return ignore;
    connection.timer?.cancel();
    connection.begun = true;
    return () => {
      if (this.#waiting.get(key) === connection) this.#forget(key);
    };
  }

  /** The connection of `socket` carries no session any more; `drop` ends it. */
  idle(socket: Socket, drop: () => void): void {
    this.#wait(keyOf(socket), drop);
  }

  /** Drops those without a session, and those that lose their last one later. */
  close(): void {
    this.#closed = true;
    for (const { drop, begun } of [...this.#waiting.values()]) if (!begun) drop();
  }

  #wait(key: unknown, drop: () => void): void {
    this.#forget(key);
    if (this.#closed) {
      drop();
      return;
    }
    const timer = this.#deadline?.clock.after(this.#deadline.handshakeMs, drop);
    this.#waiting.set(key, { drop, timer, begun: false });
    if (this.#waiting.size <= this.#maxWaiting) return;
    for (const [oldest, connection] of this.#waiting) {
      // Before it has closed: what comes in until then would have the same one dropped.
      this.#forget(oldest);
      connection.drop();
      break;
    }
  }

  #forget(key: unknown): void {
    this.#waiting.get(key)?.timer?.cancel();
    this.#waiting.delete(key);
  }
}

/** Both addresses: one port of the peer's may be connected to several of ours. */
function keyOf(socket: Socket): unknown {
  return socket.remoteAddress === undefined ? socket : `${remote(socket)} ${socket.localAddress}`;
}

function ignore(): void {}
