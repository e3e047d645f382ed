import { CircuitError, onAbort } from '@circuit/base';
import type { Ended, ReceiveResult, Sender } from '../types.js';
import { abandonMessage } from './abandon.js';
import { type Demand, dequeue, rejectAll, resolveAll } from './demand.js';
import { Deque } from './deque.js';
import { PipeState } from './pipe-state.js';
import type { Passed } from './raw.js';
import { swallow } from './swallow.js';
import { Waiters } from './waiters.js';

/** A message that was sent and not taken. */
export interface Offer {
  readonly value: unknown;
  readonly ret: Sender;
  readonly signal: AbortSignal | undefined;
  /** Resolves the send; `undefined` once it has been resolved by room in the buffer. */
  taken: (() => void) | undefined;
  readonly acknowledged: boolean;
  /** Whether it stands in the buffer. */
  buffered: boolean;
  /** Tells that it stands in the buffer, or is taken. */
  handedOn: (() => void) | undefined;
  refused: ((error: CircuitError) => void) | undefined;
  release: (() => void) | undefined;
}

/** A receive that waits. */
export interface Receiving extends Demand<ReceiveResult> {
  readonly returns: boolean;
}

/** What both ends of a pipe share: what is offered, who waits for it, and how it ended. */
export class PipeCore extends PipeState {
  readonly capacity: number;
  readonly offers: Deque<Offer> = new Deque();
  readonly demands: Deque<Receiving> = new Deque();
  readonly writable: Waiters = new Waiters();
  readonly readable: Waiters = new Waiters();
  /** So many offers, the first ones, stand in the buffer; those behind them wait for room. */
  #buffered = 0;

  constructor(capacity: number) {
    super();
    this.capacity = capacity;
  }

  protected get empty(): boolean {
    return this.offers.length === 0;
  }

  get refusal(): CircuitError | undefined {
    if (this.failure !== undefined) return this.failure;
    return this.closed ? new CircuitError('closed', 'send on a closed channel') : undefined;
  }

  /** A waiting receiver takes the value at once; answers whether there was one. */
  handOver(value: unknown, ret: Sender): boolean {
    const demand = dequeue(this.demands);
    if (demand === undefined) return false;
    demand.resolve({ done: false, value, ret: kept(ret, demand.returns) });
    return true;
  }

  /**
   * Offers the value to those who only listen (`select`), one of whom may take it before this returns. Without a buffer
   * nothing else would bring two together of whom neither waits in the queue.
   */
  offerNow(value: unknown): boolean {
    if (!this.readable.some || this.offers.length > 0) return false;
    let taken = false;
    const offer: Offer = {
      value,
      ret: swallow,
      signal: undefined,
      taken: () => (taken = true),
      acknowledged: true,
      buffered: false,
      handedOn: undefined,
      refused: undefined,
      release: undefined,
    };
    this.offers.push(offer);
    this.tellReceivers();
    if (!this.offers.remove(offer)) return taken;
    this.checkFinished();
    return false;
  }

  /** The counterpart of {@link offerNow}: asks those who only listen for room. */
  demandNow(returns: boolean): ReceiveResult | undefined {
    if (!this.writable.some || this.demands.length > 0) return undefined;
    let result: ReceiveResult | undefined;
    const demand: Receiving = { returns, resolve: (got) => (result = got), reject: nothing, release: undefined };
    this.demands.push(demand);
    this.tellSenders();
    this.demands.remove(demand);
    return result;
  }

  take(returns: boolean): Passed | Ended | undefined {
    const offer = this.offers.shift();
    if (offer === undefined) {
      if (this.failure !== undefined) throw this.failure;
      return this.closed ? { done: true } : undefined;
    }
    offer.release?.();
    if (offer.buffered) this.#buffered--;
    else offer.handedOn?.();
    const settle = this.relaying && offer.acknowledged ? settling(offer) : undefined;
    if (settle === undefined) offer.taken?.();
    this.fillBuffer();
    this.tellSenders();
    if (this.closed) this.checkFinished();
    const message = { done: false, value: offer.value, ret: kept(offer.ret, returns) } as const;
    return settle === undefined ? message : { ...message, settle };
  }

  /** Who waits for a message gets the first offer. */
  serveFirst(): void {
    const demand = dequeue(this.demands);
    const result = demand && this.take(demand.returns);
    if (result !== undefined) demand?.resolve(result);
  }

  /** Tells those who listen that there is something to receive, as long as there is. */
  tellReceivers(): void {
    this.readable.notify(() => this.offers.length > 0 || this.#ended);
  }

  /** Tells those who listen that there is room, as long as there is. */
  tellSenders(): void {
    this.writable.notify(() => this.offers.length < this.capacity || this.demands.length > 0 || this.#ended);
  }

  get #ended(): boolean {
    return this.closed || this.failure !== undefined;
  }

  close(): void {
    if (this.closed || this.failure !== undefined) return;
    this.closed = true;
    resolveAll(this.demands, { done: true });
    this.tellReceivers();
    this.tellSenders();
    this.checkFinished();
  }

  fail(reason: CircuitError): void {
    if (this.over) return;
    this.failure = reason;
    this.#buffered = 0;
    for (const offer of this.offers.drain()) {
      offer.release?.();
      abandonMessage(offer, reason);
      offer.refused?.(reason);
    }
    rejectAll(this.demands, reason);
    this.tellReceivers();
    this.tellSenders();
    this.checkFinished();
  }

  /** Takes back an offer whose sender has given it up; answers whether it was still here. */
  withdraw(offer: Offer): boolean {
    if (!this.offers.remove(offer)) return false;
    if (offer.buffered) this.#buffered--;
    this.fillBuffer();
    this.tellSenders();
    this.checkFinished();
    return true;
  }

  /** Who waits for room finds it. */
  fillBuffer(): void {
    while (this.#buffered < this.capacity) {
      const offer = this.offers.at(this.#buffered);
      if (offer === undefined) return;
      this.#buffered++;
      offer.buffered = true;
      offer.handedOn?.();
      if (offer.acknowledged) continue;
      offer.release?.();
      offer.release = undefined;
      offer.taken?.();
      offer.taken = undefined;
      offer.refused = undefined;
    }
  }
}

/** Answers the sender of an offer that was taken to be passed on. */
function settling({ signal, taken, refused }: Offer): (error?: CircuitError) => void {
  const release = onAbort(signal, () =>
    refused?.(new CircuitError('outcome-unknown', 'passed on, but given up before it was acknowledged')),
  );
  return (error) => {
    release();
    if (error === undefined) taken?.();
    else refused?.(error);
  };
}

/** The return channel as the receiver wants it: closed at once if it will not answer. */
function kept(ret: Sender, returns: boolean): Sender {
  if (returns) return ret;
  ret.close();
  return swallow;
}

function nothing(): void {}
