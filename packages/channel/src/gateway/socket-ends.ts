import type { Socket } from 'node:net';
import { CircuitError, deferred } from '@circuit/base';
import { type ReadMemory, takeFrom } from '../carriers/socket/read-memory.js';
import { socketError } from '../carriers/socket/socket-error.js';
import type { ByteDuplex, ByteReader, ByteWriter } from '../types.js';
import { resetSocket } from './reset-socket.js';
import { SocketReader } from './socket-reader.js';
import { SocketWriter } from './socket-writer.js';

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

  /** `name` says in errors what the socket is, such as `tcp 10.0.0.7:5432`; `memory` is what it was made to read into, if it does not read as Node does. */
  constructor(socket: Socket, name: string, memory: ReadMemory | undefined) {
    const [reader, writer] = [new SocketReader(socket), new SocketWriter(socket)];
    const over = deferred<CircuitError | undefined>();
    let failure: CircuitError | undefined;
    let heardEnd = false;
    this.#socket = socket;
    this.reader = reader;
    this.writer = writer;
    this.closed = over.promise;

    takeFrom(socket, memory, (chunk, owned) => reader.push(chunk, owned));
    socket.on('end', () => {
      heardEnd = true;
      if (socket.writableEnded) reader.end();
      else
        checkAlive(socket, () => {
          if (failure === undefined && !socket.destroyed) reader.end();
        });
    });
    socket.on('error', (error) => {
      failure ??= socketError(name, error);
    });
    socket.on('close', () => {
      const reason = failure ?? new CircuitError('peer-gone', `${name}: the connection was closed`);
      if (heardEnd && failure === undefined) reader.end();
      else reader.fail(reason);
      writer.gone(reason);
      over.resolve(failure);
    });
    reader.finished.catch(() => resetSocket(socket));
  }

  /** Bytes read from the socket and written to it so far. */
  get counts(): { readonly in: number; readonly out: number } {
    return { in: this.#socket.bytesRead, out: this.#socket.bytesWritten };
  }

  /** Resets the connection; both ends fail with `reason`. */
  abort(reason: CircuitError): void {
    this.reader.cancel(reason);
    this.writer.abort(reason);
    resetSocket(this.#socket);
  }
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
