import { closeSync, constants, openSync, rmSync } from 'node:fs';
import { CircuitError } from '@circuit/base';

/**
 * The keeper's end of a child's stdin. It only holds a write end, so that the child's read waits until somebody closes
 * stdin; the bytes are written by the owner, straight into the FIFO. One owner at a time.
 */
export class Stdin {
  readonly #fifo: string;
  #fd: number | undefined;
  #owner: object | undefined;
  #forgotten = false;

  constructor(fifo: string) {
    this.#fifo = fifo;
  }

  get state(): 'open' | 'closed' {
    return this.#fd === undefined ? 'closed' : 'open';
  }

  /** Takes the write end over. */
  hold(fd: number): void {
    this.#fd = fd;
  }

  /** Opens the write end again after the death of the keeper that held it; stays closed when nobody reads any more. */
  adopt(): void {
    try {
      this.#fd = openSync(this.#fifo, constants.O_WRONLY | constants.O_NONBLOCK);
    } catch {
      rmSync(this.#fifo, { force: true });
    }
  }

  /** Makes `owner` the only writer and gives the FIFO to write to. Throws `closed`, or `conflict` while another has it. */
  claim(owner: object): string {
    if (this.#fd === undefined) throw new CircuitError('closed', 'stdin is closed');
    if (this.#owner !== undefined) throw busy();
    this.#owner = owner;
    return this.#fifo;
  }

  /** Lets `owner` go without an end of file; nothing for anybody else. */
  release(owner: object): void {
    if (this.#owner === owner) this.#owner = undefined;
  }

  /** The end of file, once the owner has closed its own write end. Throws `conflict` while another has it. */
  closeBy(owner: object): void {
    if (this.#owner !== undefined && this.#owner !== owner) throw busy();
    this.close();
  }

  /** Closes and removes the FIFO. Idempotent. */
  close(): void {
    this.#owner = undefined;
    if (this.#fd === undefined) return;
    closeSync(this.#fd);
    this.#fd = undefined;
    if (!this.#forgotten) rmSync(this.#fifo, { force: true });
  }

  /** The folder is removed by somebody else, and its name may become another's. */
  forget(): void {
    this.#forgotten = true;
  }
}

function busy(): CircuitError {
  return new CircuitError('conflict', 'stdin has a writer', { detail: 'stdin-busy', retryable: true });
}
