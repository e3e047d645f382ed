import { CircuitError, type Deferred, deferred, toCircuitError } from '@circuit/base';
import { bytePipe, type Receiver } from '@circuit/channel';
import { type ChanWaiter, parseRecvAck, type RecvEvent, type RecvResponse } from '@circuit/protocol';
import type { Call } from '../../dispatch/call.js';
import { whoIs } from '../../session/caller.js';
import { type Matcher, type Offer, Taker } from './matcher.js';
import { Sending } from './sending.js';

/** A receiver that waits for a message, then has it, then acknowledges it. */
export class Receiving extends Taker {
  readonly call: Call<'recv'>;
  readonly sinceMs: number;
  readonly #matcher: Matcher;
  readonly #path: string;
  readonly #nothingMore: CircuitError;
  readonly #result: Deferred<RecvResponse> = deferred();
  #bytes = 0;
  #answers: Receiver | undefined;

  /** `nothingMore` is what a client hears that goes on after its acknowledgement; made once, since errors are dear. */
  constructor(matcher: Matcher, path: string, call: Call<'recv'>, sinceMs: number, nothingMore: CircuitError) {
    super();
    this.#matcher = matcher;
    this.#path = path;
    this.call = call;
    this.sinceMs = sinceMs;
    this.#nothingMore = nothingMore;
  }

  get waiter(): ChanWaiter {
    return { Who: whoIs(this.call.caller), Since: new Date(this.sinceMs).toISOString() };
  }

  /** How the receive ends. */
  get result(): Promise<RecvResponse> {
    return this.#result.promise;
  }

  matched(offer: Offer): void {
    if (offer instanceof Sending) void this.#handOut(offer);
  }

  consumed(): void {
    this.#result.resolve({ bytes: this.#bytes });
  }

  failed(reason: unknown): void {
    this.#end(toCircuitError(reason));
  }

  closed(): void {
    this.#end(new CircuitError('closed', `recv ${this.#path}: channel closed`));
  }

  aborted(reason: CircuitError): void {
    this.#end(reason);
  }

  /** The client has gone: its message, if it has one, goes to the next. */
  withdraw(): void {
    const { offer } = this;
    this.#matcher.leave(this);
    if (offer instanceof Sending) this.#matcher.giveBack(this, offer.canGoAgain);
    this.#end(new CircuitError('cancelled', 'the receiver has given up'));
  }

  /** Gives the message to the client and waits for its acknowledgement. */
  async #handOut(sending: Sending): Promise<void> {
    try {
      this.#answers = await this.call.ask(this.#eventFor(sending));
      if (this.offer !== sending) return;
      const answer = await this.#answers.receive({ returns: false });
      if (answer.done) throw new CircuitError('peer-gone', 'the receiver ended without an acknowledgement');
      this.#judge(sending, answer.value);
      this.#answers.cancel(this.#nothingMore);
    } catch (error) {
      this.#lose(sending, toCircuitError(error));
    }
  }

  #eventFor(sending: Sending): RecvEvent {
    const { content, redelivered, intake } = sending;
    if (intake === undefined) return { type: 'message', content, redelivered };
    const { reader, writer } = bytePipe();
    intake.attach(writer);
    return { type: 'message', content: { type: 'bytes', source: reader }, redelivered };
  }

  #judge(sending: Sending, value: unknown): void {
    const parsed = parseRecvAck(value);
    if (!parsed.ok) throw parsed.error;
    const ack = parsed.value;
    if (ack.type === 'refused') throw new CircuitError('conflict', `the receiver refused the message: ${ack.reason}`);
    if (sending.content.type !== 'value' && (!sending.complete || ack.bytes !== sending.bytes)) {
      const so = sending.complete ? `of ${sending.bytes}` : 'before the end';
      throw new CircuitError('invalid', `recv ${this.#path}: ${ack.bytes} bytes were acknowledged ${so}`);
    }
    this.#bytes = sending.bytes;
    this.#matcher.acknowledge(this);
  }

  #lose(sending: Sending, error: CircuitError): void {
    if (this.offer === sending) this.#matcher.giveBack(this, sending.canGoAgain);
    this.#end(error);
  }

  #end(error: CircuitError): void {
    this.#answers?.cancel(error);
    this.#result.reject(error);
  }
}
