import type { Socket } from 'node:net';
import { CircuitError, deferred } from '@circuit/base';
import { socketError } from '../carriers/socket-error.js';
import { bytePipe } from '../local/byte-pipe.js';
import type { ByteDuplex, ByteReader, ByteWriter } from '../types.js';

/** How much is read ahead of a slow reader, and how much waits for a slow socket, in bytes. */
const maxUnreadBytes = 262_144;

/**
 * A connected socket as the two ends of a byte stream. The end of either direction is a half close, an abort or a cancel resets
 * the connection, and a connection that breaks fails both ends. Takes the socket over; it must be open for half close.
 */
export class SocketEnds implements ByteDuplex {
  readonly reader: ByteReader;
  readonly writer: ByteWriter;
  /** Resolves when the socket is gone, with what broke it, if anything did. */
  readonly closed: Promise<CircuitError | undefined>;
  readonly #socket: Socket;
  readonly #counts = { in: 0, out: 0 };

  /** `name` says in errors what the socket is, such as `tcp 10.0.0.7:5432`. */
  constructor(socket: Socket, name: string) {
    const [inward, outward] = [bytePipe(maxUnreadBytes), bytePipe(maxUnreadBytes)];
    const over = deferred<CircuitError | undefined>();
    let failure: CircuitError | undefined;
    let heardEnd = false;
    let unread = 0;
    const reset = (): void => resetSocket(socket);
    this.#socket = socket;
    this.reader = inward.reader;
    this.writer = outward.writer;
    this.closed = over.promise;

    socket.on('data', (chunk: Uint8Array) => {
      const { length } = chunk;
      this.#counts.in += length;
      unread += length;
      if (unread > maxUnreadBytes) socket.pause();
      inward.writer.write(new Uint8Array(chunk.buffer, chunk.byteOffset, length)).then(() => {
        unread -= length;
        if (socket.isPaused() && unread <= maxUnreadBytes / 2) socket.resume();
      }, reset);
    });
    socket.on('end', () => {
      heardEnd = true;
      if (socket.writableEnded) inward.writer.close();
      else
        checkAlive(socket, () => {
          if (failure === undefined && !socket.destroyed) inward.writer.close();
        });
    });
    socket.on('error', (error) => {
      failure ??= socketError(name, error);
    });
    socket.on('close', () => {
      const reason = failure ?? new CircuitError('peer-gone', `${name}: the connection was closed`);
      if (heardEnd && failure === undefined) inward.writer.close();
      else inward.writer.abort(reason);
      outward.reader.cancel(reason);
      over.resolve(failure);
    });
    inward.writer.closed.catch(reset);
    void this.#write(outward.reader);
  }

  /** Bytes read from the socket and written to it so far. */
  get counts(): { readonly in: number; readonly out: number } {
    return this.#counts;
  }

  /** Resets the connection; both ends fail with `reason`. */
  abort(reason: CircuitError): void {
    this.reader.cancel(reason);
    this.writer.abort(reason);
    resetSocket(this.#socket);
  }

  async #write(bytes: ByteReader): Promise<void> {
    const socket = this.#socket;
    try {
      for (;;) {
        const chunk = await bytes.read();
        if (chunk === undefined) break;
        this.#counts.out += chunk.length;
        if (!socket.write(chunk) && socket.writableLength > maxUnreadBytes) await drained(socket);
      }
      socket.end();
    } catch {
      // Whoever writes has given up, or the socket is gone and has told so.
      resetSocket(socket);
    }
  }
}

/** Ends the connection so that the other side sees it fail: a reset where the system has one. */
export function resetSocket(socket: Socket): void {
  if (socket.destroyed) return;
  // A Unix socket knows no reset: there the close itself is all that can be said.
  if (socket.remoteFamily === undefined) socket.destroy();
  else socket.resetAndDestroy();
}

/**
 * libuv reports a reset that comes behind unread bytes as an ordinary end, and a stream cut short would look whole. Only a write
 * tells the two apart: an empty one fails on a dead connection. Calls `run` if it lives; a failure is told as `error`.
 */
function checkAlive(socket: Socket, run: () => void): void {
  // What waits to be written meets the failure by itself, within this turn.
  if (socket.writableLength > 0) setImmediate(run);
  else
    socket.write(new Uint8Array(0), (error) => {
      if (!error) run();
    });
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      socket.off('drain', done);
      socket.off('close', done);
      resolve();
    };
    socket.on('drain', done);
    socket.on('close', done);
  });
}
