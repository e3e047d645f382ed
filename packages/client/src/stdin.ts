import { CircuitError, type WaitOptions } from '@circuit/base';
import type { AtElement } from '@circuit/protocol';
import type { BytesInput } from './bytes.js';
import { Outgoing } from './outgoing.js';
import type { Uplink } from './uplink.js';

const encoder = new TextEncoder();

/**
 * The standard input of a process. It is opened by the first write or close and belongs to this writer until then; another one meanwhile
 * is refused with `conflict`. A program that reads to the end waits until somebody closes it.
 */
export class Stdin {
  readonly #uplink: Uplink;
  readonly #at: AtElement;
  #opening: Promise<Outgoing<'stdin'>> | undefined;
  #closed = false;

  constructor(uplink: Uplink, at: AtElement) {
    this.#uplink = uplink;
    this.#at = at;
  }

  /** Writes bytes, or text as UTF-8; resolves when there is room for more. Rejects when the process takes no more. */
  async write(chunk: Uint8Array | string, { signal }: WaitOptions = {}): Promise<void> {
    const outgoing = await this.#open({ signal });
    await outgoing.write(typeof chunk === 'string' ? encoder.encode(chunk) : chunk, { signal });
  }

  /** Ends the input; resolves with the count of bytes once the process has them all. */
  async close({ signal }: WaitOptions = {}): Promise<number> {
    const outgoing = await this.#open({ signal });
    this.#closed = true;
    return (await outgoing.finish({ signal })).bytes;
  }

  /** Writes all of `input` as it comes, then closes. */
  async pipeFrom(input: BytesInput, { signal }: WaitOptions = {}): Promise<number> {
    const outgoing = await this.#open({ signal });
    this.#closed = true;
    return (await outgoing.pump(input, { signal })).bytes;
  }

  /** Lets go of the input without waiting for anything; the process sees its end. */
  abort(reason?: unknown): void {
    this.#closed = true;
    this.#opening?.then(
      (outgoing) => outgoing.abort(reason),
      () => undefined,
    );
  }

  #open({ signal }: WaitOptions): Promise<Outgoing<'stdin'>> {
    if (this.#closed)
      return Promise.reject(new CircuitError('closed', `stdin ${this.#at.path}: closed by this handle`));
    if (this.#opening !== undefined) return this.#opening;
    const opening = this.#request({ signal });
    this.#opening = opening;
    // What did not open may be tried again.
    opening.catch(() => {
      this.#opening = undefined;
    });
    return opening;
  }

  async #request({ signal }: WaitOptions): Promise<Outgoing<'stdin'>> {
    const call = await this.#uplink.call('stdin', this.#at.path, this.#at, { signal });
    const heard = await call.next({ signal });
    if (heard.type === 'result') throw new CircuitError('protocol', `stdin ${this.#at.path}: not opened`);
    heard.ret.close();
    return new Outgoing(call, heard.event.sink);
  }
}
