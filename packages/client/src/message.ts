import { CircuitError, toCircuitError, type WaitOptions } from '@circuit/base';
import type { Sender } from '@circuit/channel';
import type { Content, RecvAck } from '@circuit/protocol';
import { ByteStreamBase, collect, type CollectOptions } from './bytes.js';
import type { Call } from './call.js';

/**
 * A message of a channel element in the hands of its receiver. It is consumed once its end was read, or its value taken;
 * dropped before that (`cancel`, a lost link) it goes to another receiver if the server holds it whole, else its sender hears of it.
 */
export class Message<T = unknown> extends ByteStreamBase {
  /** What it holds: bytes to be read, or a value to be taken. */
  readonly kind: 'bytes' | 'value';
  /** It was handed to a receiver before that went away: it may have been dealt with. */
  readonly redelivered: boolean;
  readonly #content: Content;
  readonly #ret: Sender;
  readonly #call: Call<'recv'>;
  #bytes = 0;
  #state: 'open' | 'acknowledged' | 'over' = 'open';

  constructor(content: Content, redelivered: boolean, ret: Sender, call: Call<'recv'>) {
    super();
    this.kind = content.type === 'value' ? 'value' : 'bytes';
    this.redelivered = redelivered;
    this.#content = content;
    this.#ret = ret;
    this.#call = call;
  }

  /** The next bytes; `undefined` behind the last, once the server has counted the message. Rejects with the sender's failure. */
  async read({ signal }: WaitOptions = {}): Promise<Uint8Array | undefined> {
    if (this.#content.type === 'value')
      throw new CircuitError('conflict', 'the message holds a value: take it with value()', { detail: 'wrong-kind' });
    if (this.#state === 'over') return undefined;
    if (this.#state === 'open') {
      const chunk =
        this.#content.type === 'whole'
          ? this.#readPiece(this.#content.bytes)
          : await this.#readSource(this.#content.source, signal);
      if (chunk !== undefined) return chunk;
    }
    await this.#acknowledge(signal);
    return undefined;
  }

  /** The value, or all bytes of a message of bytes; resolves once the server has counted the message. */
  async value({ maxBytes, signal }: CollectOptions = {}): Promise<T> {
    if (this.#content.type !== 'value') return (await collect(this, { maxBytes, signal })) as T;
    await this.#acknowledge(signal);
    return this.#content.value as T;
  }

  /** The value before it is taken, to decide whether to; `undefined` for bytes. */
  get held(): unknown {
    return this.#content.type === 'value' ? this.#content.value : undefined;
  }

  /** Puts the message back, for another receiver. */
  async refuse(reason: string, { signal }: WaitOptions = {}): Promise<void> {
    if (this.#state !== 'open') throw new CircuitError('conflict', 'the message is consumed or dropped');
    this.#state = 'over';
    if (this.#content.type === 'bytes') this.#content.source.cancel();
    await this.#answer({ type: 'refused', reason }, signal);
  }

  /** Drops the message without an answer. */
  cancel(reason?: unknown): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    const why = reason === undefined ? new CircuitError('cancelled', 'the receiver dropped the message') : reason;
    if (this.#content.type === 'bytes') this.#content.source.cancel(why);
    this.#ret.abort(why);
    this.#call.cancel(why);
  }

  /** The bytes at the first read; behind them is the end. */
  #readPiece(bytes: Uint8Array): Uint8Array | undefined {
    if (this.#bytes === bytes.length) return undefined;
    this.#bytes = bytes.length;
    return bytes;
  }

  async #readSource(source: (Content & { type: 'bytes' })['source'], signal: AbortSignal | undefined) {
    try {
      const chunk = await source.read({ signal });
      this.#bytes += chunk?.length ?? 0;
      return chunk;
    } catch (error) {
      if (signal?.aborted !== true) this.cancel(error);
      throw error;
    }
  }

  async #acknowledge(signal: AbortSignal | undefined): Promise<void> {
    if (this.#state === 'over') {
      if (this.#content.type === 'value') throw new CircuitError('conflict', 'the message was taken or dropped');
      return;
    }
    try {
      if (this.#state === 'open') await this.#answer({ type: 'acknowledged', bytes: this.#bytes }, signal);
    } catch (error) {
      // The acknowledgement is on its way and the message is here: it may come again, marked, but it is not lost.
      if (toCircuitError(error).code !== 'outcome-unknown') throw error;
    } finally {
      this.#state = 'over';
    }
  }

  async #answer(ack: RecvAck, signal: AbortSignal | undefined): Promise<void> {
    if (ack.type === 'acknowledged') this.#state = 'acknowledged';
    try {
      await this.#ret.send(ack, { signal });
      this.#ret.close();
    } catch (error) {
      // The result tells what has become of the message, a broken answer only that it did not arrive.
      this.#ret.abort(error);
    }
    await this.#call.result({ signal });
  }
}
