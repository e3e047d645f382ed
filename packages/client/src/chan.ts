import { CircuitError, isCircuitError, type WaitOptions } from '@circuit/base';
import { bytePipe } from '@circuit/channel';
import { type AtElement, type ChanState, type Content, maxHeldBytes, type SendResponse } from '@circuit/protocol';
import { type BytesInput, type CollectOptions, isByteStream } from './bytes.js';
import { Message } from './message.js';
import { Outgoing } from './outgoing.js';
import type { Uplink } from './uplink.js';

/** What can be sent through a channel of `T`: a value, or bytes in one piece or as a stream. */
export type Sendable<T> = T | Uint8Array | Exclude<BytesInput, string>;

/**
 * A channel element: Go's semantics over the network. Messages are values or bytes, first in first out, each for one receiver.
 * Iterating receives until the channel is closed.
 */
export class Chan<T = unknown> implements AsyncIterable<T> {
  readonly kind = 'chan';
  readonly path: string;
  readonly #uplink: Uplink;
  readonly #at: AtElement;
  #capacity: number | undefined;

  constructor(uplink: Uplink, path: string, element?: number, capacity?: number) {
    this.#uplink = uplink;
    this.path = path;
    this.#at = element === undefined ? { path } : { path, element };
    this.#capacity = capacity;
  }

  /** How many messages it holds without a receiver. */
  async cap(options: WaitOptions = {}): Promise<number> {
    this.#capacity ??= (await this.stat(options)).Cap;
    return this.#capacity;
  }

  /**
   * Sends a value, or bytes as one message. Resolves when the message is wholly in the buffer or acknowledged by its receiver. Rejects with
   * `closed`, `aborted` after a scrub, `peer-gone` when the receiver died with part of it, `outcome-unknown` on a lost link.
   */
  async send(value: Sendable<T>, { signal }: WaitOptions = {}): Promise<SendResponse> {
    const content = pieceOf(value);
    if (content !== undefined) return this.#uplink.ask('send', this.path, { ...this.#at, content }, { signal });
    // The input is touched only behind the offer: a send that never meets a receiver consumes nothing.
    const outgoing = await this.#offer({ signal });
    return outgoing.pump(value as BytesInput, { signal });
  }

  /**
   * Waits for a receiver, or for room in the buffer, and gives the stream of the message. Its `close()` resolves as {@link send}
   * does; `abort()` makes the receiver fail.
   */
  async openSend({ signal }: WaitOptions = {}): Promise<WritableStream<Uint8Array>> {
    const outgoing = await this.#offer({ signal });
    return new WritableStream<Uint8Array>({
      write: (chunk) => outgoing.write(chunk),
      close: async () => {
        await outgoing.finish();
      },
      abort: (reason) => outgoing.abort(reason),
    });
  }

  /** Receives the next message: its value, or all its bytes. Rejects with `closed` once the channel is closed and empty, `aborted` after a scrub. */
  async recv({ maxBytes, signal }: CollectOptions = {}): Promise<T> {
    const message = await this.openRecv({ signal });
    return message.value({ maxBytes, signal });
  }

  /** Receives the next message without taking it yet; see {@link Message}. Rejects as {@link recv}. */
  async openRecv({ signal }: WaitOptions = {}): Promise<Message<T>> {
    const call = await this.#uplink.call('recv', this.path, this.#at, { signal });
    const heard = await call.next({ signal });
    if (heard.type === 'result') throw new CircuitError('protocol', `recv ${this.path}: no message came`);
    return new Message<T>(heard.event.content, heard.event.redelivered, heard.ret, call);
  }

  /** What `recv` gives, until the channel is closed. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for (;;) {
      let value: T;
      try {
        value = await this.recv();
      } catch (error) {
        if (isCircuitError(error, 'closed')) return;
        throw error;
      }
      yield value;
    }
  }

  /** Closes the channel: what waits or is held still arrives, later sends fail with `closed`. A second close is a `conflict`. */
  async close({ signal }: WaitOptions = {}): Promise<void> {
    await this.#uplink.ask('close', this.path, this.#at, { signal });
  }

  /** Its state; also of a channel that was scrubbed under this handle, which then says `Aborted`. */
  stat({ signal }: WaitOptions = {}): Promise<ChanState> {
    return this.#uplink.ask('stat', this.path, this.#at, { signal });
  }

  /** Aborts the channel and removes it; whoever waits at it hears `aborted`, what it holds is lost. */
  async scrub({ signal }: WaitOptions = {}): Promise<void> {
    await this.#uplink.ask('scrub', this.path, this.#at, { signal });
  }

  /** Offers a message of bytes; resolves when it has met a receiver or found room. */
  async #offer({ signal }: WaitOptions): Promise<Outgoing<'send'>> {
    const { reader, writer } = bytePipe();
    writer.closed.catch(ignore);
    try {
      const content: Content = { type: 'bytes', source: reader };
      const call = await this.#uplink.call('send', this.path, { ...this.#at, content }, { signal });
      for (;;) {
        const heard = await call.next({ signal });
        if (heard.type === 'result')
          throw new CircuitError('protocol', `send ${this.path}: done before it was accepted`);
        heard.ret.close();
        if (heard.event.type === 'accepted') return new Outgoing(call, writer);
      }
    } catch (error) {
      writer.abort(error);
      throw error;
    }
  }
}

/** What travels in the request itself; `undefined` for what wants a stream, which is touched only behind the offer. */
function pieceOf(value: unknown): Content | undefined {
  if (isByteStream(value)) return undefined;
  if (!(value instanceof Uint8Array)) return { type: 'value', value };
  return value.length <= maxHeldBytes ? { type: 'whole', bytes: value } : undefined;
}

function ignore(): void {}
