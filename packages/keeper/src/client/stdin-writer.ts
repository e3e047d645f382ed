import { constants, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { CircuitError, deferred, orAborted, type WaitOptions } from '@circuit/base';
import { errnoOf } from '../platform/executable.js';
import type { StdinWriter } from './types.js';

export interface FifoWriterOptions {
  readonly fifo: string;
  /** Called once at the end: whether the process is to get its end of file. */
  readonly over: (endOfFile: boolean) => Promise<void>;
}

/** Writes straight into the FIFO: the kernel's own back-pressure reaches the caller and no byte passes through the keeper. */
export class FifoWriter implements StdinWriter {
  readonly #options: FifoWriterOptions;
  readonly #socket: Socket;
  readonly #gone = deferred();
  #last: Promise<void> = Promise.resolve();
  #failure: CircuitError | undefined;
  #over: Promise<void> | undefined;

  /** Takes over `fd`, the write end; {@link openFifoWriter} opens it. */
  constructor(fd: number, options: FifoWriterOptions) {
    this.#options = options;
    this.#socket = new Socket({ fd, readable: false, writable: true });
    this.#socket.on('error', (error) => this.#failed(error));
    this.#socket.once('close', () => this.#gone.resolve());
  }

  async write(bytes: Uint8Array, { signal }: WaitOptions = {}): Promise<void> {
    const done = this.#last.then(() => this.#put(bytes, signal));
    this.#last = done.catch(ignore);
    return done;
  }

  async close(): Promise<void> {
    this.#over ??= this.#finish(true);
    return this.#over;
  }

  async release(): Promise<void> {
    this.#over ??= this.#finish(false);
    return this.#over;
  }

  /** Ends at once, with writes pending: the set is closed or the process gone. */
  abort(reason: CircuitError): void {
    this.#failure ??= reason;
    this.#socket.destroy();
    this.#over ??= this.#options.over(false);
  }

  async #put(bytes: Uint8Array, signal: AbortSignal | undefined): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#over !== undefined) throw new CircuitError('closed', 'stdin: this writer is closed');
    if (bytes.length === 0) return;
    const taken = deferred();
    this.#socket.write(bytes, (error) => {
      if (error) taken.reject(this.#failed(error));
      // Node calls the write of a destroyed socket a success.
      else if (this.#failure !== undefined) taken.reject(this.#failure);
      else taken.resolve();
    });
    try {
      await orAborted(taken.promise, signal);
    } catch (error) {
      // A failure of the FIFO itself was noted first and stays.
      this.abort(new CircuitError('closed', 'stdin: a write was given up', { cause: error }));
      throw error;
    }
  }

  #failed(error: Error): CircuitError {
    this.#failure ??= new CircuitError('closed', `stdin: ${error.message}`, { detail: errnoOf(error), cause: error });
    return this.#failure;
  }

  async #finish(endOfFile: boolean): Promise<void> {
    await this.#last;
    this.#socket.end(() => this.#socket.destroy());
    await this.#gone.promise;
    await this.#options.over(endOfFile);
  }
}

/** Opens the write end. Throws `closed` when the process no longer reads. */
export function openFifoWriter(options: FifoWriterOptions): FifoWriter {
  try {
    return new FifoWriter(openSync(options.fifo, constants.O_WRONLY | constants.O_NONBLOCK), options);
  } catch (error) {
    throw new CircuitError('closed', `stdin: ${String(error)}`, { detail: errnoOf(error), cause: error });
  }
}

function ignore(): void {}
