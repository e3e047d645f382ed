import { closeSync, readSync } from 'node:fs';
import { Socket } from 'node:net';
import { errnoOf } from '../platform/executable.js';

/**
 * What one {@link Tap.drain} reads at most: the largest a pipe may be made by an ordinary user. A grandchild that writes
 * without end must not hold up the news of the child's end.
 */
const drainBytes = 1_048_576;

export interface TapOptions {
  /** The read end of a FIFO, opened O_RDONLY | O_NONBLOCK; the tap owns it. */
  readonly fd: number;
  /** Shared by all taps: everything here is synchronous. */
  readonly buffer: Buffer;
  /** Takes the bytes, which are only lent; false stops reading until {@link Tap.resume}. */
  readonly receive: (bytes: Buffer) => boolean;
  /** Called once, when all writers are gone. */
  readonly ended: () => void;
}

/**
 * Reads one FIFO. `net.Socket` waits with epoll or kqueue; a read stream would hold one of four pool threads per FIFO.
 * The FIFO must have had a writer since `fd` was opened, or no event tells its end: see {@link Tap.drain}.
 */
export class Tap {
  readonly #options: TapOptions;
  #socket: Socket | undefined;
  #over = false;

  constructor(options: TapOptions) {
    this.#options = options;
  }

  /** Begins to read. */
  open(): void {
    if (this.#over) return;
    const { fd, buffer, receive } = this.#options;
    // `onread` belongs to the options of net.connect in the types; the constructor has always taken it as well.
    const options = {
      fd,
      readable: true,
      writable: false,
      onread: { buffer, callback: (length: number) => receive(buffer.subarray(0, length)) },
    };
    const socket = new Socket(options);
    this.#socket = socket;
    socket.on('error', () => this.#end());
    socket.on('end', () => this.#end());
    socket.resume();
  }

  /** Goes on after a `receive` that answered false. */
  resume(): void {
    if (!this.#over) this.#socket?.resume();
  }

  /**
   * Reads what is there now, also while reading is stopped, up to {@link drainBytes}. Also finds the end of a FIFO that has
   * no writer any more.
   */
  drain(): void {
    const { fd, buffer, receive } = this.#options;
    let total = 0;
    while (!this.#over && total < drainBytes) {
      const length = tryRead(fd, buffer);
      if (length === undefined) return;
      if (length === 0) {
        this.#end();
        return;
      }
      total += length;
      receive(buffer.subarray(0, length));
    }
  }

  /** Stops for good without calling `ended`. */
  close(): void {
    if (this.#over) return;
    this.#over = true;
    if (this.#socket === undefined) closeSync(this.#options.fd);
    else this.#socket.destroy();
  }

  #end(): void {
    if (this.#over) return;
    this.close();
    this.#options.ended();
  }
}

/** The bytes read, 0 at the end, undefined when there is nothing yet. */
function tryRead(fd: number, buffer: Buffer): number | undefined {
  try {
    return readSync(fd, buffer);
  } catch (error) {
    return errnoOf(error) === 'EAGAIN' ? undefined : 0;
  }
}
