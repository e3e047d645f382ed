import type { Http2Session, Http2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import type { Clock, Timer } from '@circuit/base';

/** Once so often; a connection that is gone twice in a row is over. */
const everyMs = 200;

/** Node hands out no more than a proxy of the socket of an HTTP/2 connection, which cannot be destroyed. */
const sockets = new WeakMap<Http2Session, Socket>();

/** Makes the socket of a connection that has just begun known to its watches. */
export function knowSocket(connection: Http2Session): void {
  connection.once('connect', (_connection: Http2Session, socket: Socket) => {
    sockets.set(connection, socket);
    // Node may keep the connection of a peer that never answered its SETTINGS, and the socket with its buffers would stay with it.
    socket.once('close', () => sockets.delete(connection));
  });
}

/**
 * Notices that the connection of an HTTP/2 stream over TLS was broken. Node itself may not: its HTTP/2 reads nothing while it
 * writes and drops the error of a write that carried no stream's data, and its TLS never finishes the write behind a failed one.
 * So the system is asked whether the connection has another end, while bytes come, go or wait. A connection that is idle is read,
 * and its end heard. What arrived before the end has the time between two questions to be read.
 */
export class ConnectionWatch {
  readonly #stream: Http2Stream;
  readonly #clock: Clock;
  readonly #connection: Http2Session | undefined;
  #timer: Timer | undefined;
  /** Bytes came or went since the last question. */
  #active = false;
  #gone = false;

  constructor(stream: Http2Stream, clock: Clock) {
    this.#stream = stream;
    this.#clock = clock;
    if (stream.session?.encrypted === true) this.#connection = stream.session;
  }

  /** Bytes came, or are written. */
  active(): void {
    this.#active = true;
    if (this.#timer === undefined && this.#connection !== undefined) this.#arm(this.#connection);
  }

  #arm(connection: Http2Session): void {
    this.#timer = this.#clock.after(everyMs, () => {
      this.#timer = undefined;
      this.#look(connection);
    });
  }

  /** Not only while the stream is there: a write that never ends keeps a destroyed connection and its socket as well. */
  #look(connection: Http2Session): void {
    const socket = sockets.get(connection) ?? (connection.destroyed ? undefined : connection.socket);
    if (socket === undefined || socket.destroyed) return;
    const gone = !hasPeer(socket);
    if (gone && this.#gone) {
      const error = Object.assign(new Error('connection reset'), { code: 'ECONNRESET' });
      if (!connection.destroyed) connection.destroy(error);
      sockets.get(connection)?.destroy();
      return;
    }
    this.#gone = gone;
    const { destroyed, writableLength } = this.#stream;
    const again = gone || this.#active || (!destroyed && writableLength > 0);
    this.#active = false;
    if (again) this.#arm(connection);
  }
}

/** Whether the system still knows the other end; of sockets that cannot tell, it does. */
function hasPeer(socket: Socket): boolean {
  // Node remembers what `remoteAddress` says; its handle asks the system.
  const { _handle: handle } = socket as { readonly _handle?: { getpeername?(out: object): number } | null };
  return handle?.getpeername === undefined || handle.getpeername({}) === 0;
}
