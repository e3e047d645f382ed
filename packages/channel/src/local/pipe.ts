import { abortError, CircuitError, type Deferred, deferred, onAbort } from '@circuit/base';
import { reasonError } from '../session/reason.js';
import type { Ended, ReceiveOptions, Receiver, ReceiveResult, Sender, SendOptions } from '../types.js';
import { abandonAnswers, abandonMessage, failSend } from '../values/abandon.js';
import { type Demand, dequeue, enqueue, rejectAll, resolveAll, turnAwayAll } from './demand.js';
import { Deque } from './deque.js';
import { End, type EndKind, movedError } from './end.js';
import { iterateMessages } from './iterate.js';
import type { Passed, RawReceiver, RawSender, RawSendOptions } from './raw.js';
import { resolved } from './resolved.js';
import { swallow } from './swallow.js';
import { turnDue } from './taking-turns.js';
import { Waiters } from './waiters.js';

/** Both ends of a channel inside one process. */
export interface Pipe<T> {
  readonly sender: Sender<T>;
  readonly receiver: Receiver<T>;
}

/**
 * A channel inside this process with the semantics of Go's: `capacity` messages are held, a send beyond that (with capacity
 * 0: every send) resolves when its message is taken. Values pass by reference: a send gives the value away.
 */
export function pipe<T = unknown>(capacity = 0): Pipe<T> {
  if (!Number.isSafeInteger(capacity) || capacity < 0) {
    throw new CircuitError('invalid', `pipe: capacity ${capacity}, want a whole number from 0`);
  }
  const core = new PipeCore(capacity);
  return { sender: new PipeSender(core), receiver: new PipeReceiver<T>(core) };
}

interface Offer {
  readonly value: unknown;
  readonly ret: Sender;
  readonly signal: AbortSignal | undefined;
  /** Resolves the send; `undefined` once it has been resolved by room in the buffer. */
  taken: (() => void) | undefined;
  readonly acknowledged: boolean;
  /** Tells that it stands in the buffer, or is taken. */
  handedOn: (() => void) | undefined;
  refused: ((error: CircuitError) => void) | undefined;
  release: (() => void) | undefined;
}

interface Receiving extends Demand<ReceiveResult> {
  readonly returns: boolean;
}

class PipeCore {
  readonly capacity: number;
  readonly offers = new Deque<Offer>();
  readonly demands = new Deque<Receiving>();
  readonly writable = new Waiters();
  readonly readable = new Waiters();
  failure: CircuitError | undefined;
  closed = false;
  /** Who takes passes on. */
  relaying = false;
  #finished: Deferred | undefined;

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  get finished(): Promise<void> {
    if (this.#finished === undefined) {
      this.#finished = deferred();
      this.#finished.promise.catch(nothing);
      this.checkFinished();
    }
    return this.#finished.promise;
  }

  checkFinished(): void {
    if (this.failure !== undefined) this.#finished?.reject(this.failure);
    else if (this.closed && this.offers.length === 0 && !this.relaying) this.#finished?.resolve();
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
      handedOn: undefined,
      refused: undefined,
      release: undefined,
    };
    this.offers.push(offer);
    this.readable.notify();
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
    this.writable.notify();
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
    offer.handedOn?.();
    const settle = this.relaying && offer.acknowledged ? settling(offer) : undefined;
    if (settle === undefined) offer.taken?.();
    this.#fillBuffer();
    this.writable.notify();
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

  close(): void {
    if (this.closed || this.failure !== undefined) return;
    this.closed = true;
    resolveAll(this.demands, { done: true });
    this.readable.notify();
    this.writable.notify();
    this.checkFinished();
  }

  fail(reason: CircuitError): void {
    if (this.failure !== undefined || (this.closed && this.offers.length === 0 && !this.relaying)) return;
    this.failure = reason;
    for (const offer of this.offers.drain()) {
      offer.release?.();
      abandonMessage(offer, reason);
      offer.refused?.(reason);
    }
    rejectAll(this.demands, reason);
    this.readable.notify();
    this.writable.notify();
    this.checkFinished();
  }

  /** The next waiting send finds room in the buffer. */
  #fillBuffer(): void {
    let place = 0;
    for (const offer of this.offers) {
      if (place++ >= this.capacity) return;
      if (offer.acknowledged) offer.handedOn?.();
      if (offer.taken === undefined || offer.acknowledged) continue;
      offer.release?.();
      offer.release = undefined;
      offer.taken();
      offer.taken = undefined;
      offer.refused = undefined;
    }
  }
}

class PipeSender extends End implements Sender, RawSender {
  readonly endKind: EndKind = 'sender';
  readonly #core: PipeCore;
  #moved = false;

  constructor(core: PipeCore) {
    super();
    this.#core = core;
  }

  get closed(): Promise<void> {
    return this.#core.finished;
  }

  /** What a send fails with now. */
  get sendRefusal(): CircuitError | undefined {
    return this.#core.refusal;
  }

  send<A = unknown>(value: unknown, options: SendOptions & { readonly returns: true }): Promise<Receiver<A>>;
  send(value: unknown, options?: SendOptions & { readonly returns?: false | undefined }): Promise<void>;
  send(value: unknown, options: SendOptions = {}): Promise<unknown> {
    return this.#moved ? failSend(movedError(), value, options) : this.sendNow(value, options);
  }

  sendNow(value: unknown, options: RawSendOptions): Promise<unknown> {
    const sent = this.#offer(value, options);
    const turn = turnDue();
    return turn === undefined ? sent : sent.then((back) => turn.then(() => back));
  }

  #offer(value: unknown, options: RawSendOptions): Promise<unknown> {
    const core = this.#core;
    const { signal, handedOn } = options;
    const refusal = core.refusal ?? (signal?.aborted ? abortError(signal) : undefined);
    if (refusal !== undefined) return failSend(refusal, value, options);
    const back = options.returns === true ? pipe(1) : undefined;
    const ret = back?.sender ?? options.returnTo ?? swallow;
    const acknowledged = options.acknowledged === true;
    const held = acknowledged && core.relaying;
    if (!held && core.handOver(value, ret)) return back === undefined ? resolved : Promise.resolve(back.receiver);
    if (core.offers.length < core.capacity && !acknowledged) {
      const over = { taken: undefined, refused: undefined, handedOn: undefined, release: undefined };
      const offer: Offer = { value, ret, signal, acknowledged, ...over };
      core.offers.push(offer);
      core.readable.notify();
      return back === undefined ? resolved : Promise.resolve(back.receiver);
    }
    return new Promise((resolve, reject) => {
      const offer: Offer = {
        value,
        ret,
        signal,
        taken: () => resolve(back?.receiver),
        acknowledged,
        handedOn,
        refused(error) {
          abandonAnswers(back?.receiver, error);
          reject(error);
        },
        release: undefined,
      };
      if (signal !== undefined) {
        offer.release = onAbort(signal, () => {
          if (!core.offers.remove(offer)) return;
          abandonMessage(offer, abortError(signal));
          reject(abortError(signal));
          core.checkFinished();
        });
      }
      core.offers.push(offer);
      if (core.offers.length <= core.capacity) handedOn?.();
      if (held) core.serveFirst();
      core.readable.notify();
    });
  }

  trySend(value: unknown): boolean {
    const core = this.#core;
    const refusal = this.#moved ? movedError() : core.refusal;
    if (refusal !== undefined) {
      abandonMessage({ value, ret: swallow }, refusal);
      throw refusal;
    }
    if (core.handOver(value, swallow)) return true;
    if (core.offers.length >= core.capacity) return core.capacity === 0 && core.offerNow(value);
    void this.sendNow(value, {});
    return true;
  }

  close(): void {
    if (!this.#moved) this.closeNow();
  }

  abort(reason?: unknown): void {
    if (!this.#moved) this.abortNow(reasonError(reason, 'aborted by the sender'));
  }

  closeNow(): void {
    this.#core.close();
  }

  abortNow(reason: CircuitError): void {
    this.#core.fail(reason);
  }

  onWritable(run: () => void): () => void {
    return this.#core.writable.add(run);
  }

  move(): void {
    if (this.#moved) throw movedError();
    this.#moved = true;
    this.#core.writable.notify();
  }

  override regain(): PipeSender {
    return new PipeSender(this.#core);
  }
}

class PipeReceiver<T> extends End implements Receiver<T>, RawReceiver {
  readonly endKind: EndKind = 'receiver';
  readonly #core: PipeCore;
  #moved = false;

  constructor(core: PipeCore) {
    super();
    this.#core = core;
  }

  receive(options: ReceiveOptions = {}): Promise<ReceiveResult<T>> {
    if (this.#moved) return Promise.reject(movedError());
    return this.receiveNow(options) as Promise<ReceiveResult<T>>;
  }

  receiveNow(options: ReceiveOptions): Promise<Passed | Ended> {
    const core = this.#core;
    const { signal } = options;
    if (signal?.aborted) return Promise.reject(abortError(signal));
    const returns = options.returns !== false;
    try {
      const result = core.take(returns);
      if (result !== undefined) return Promise.resolve(result);
    } catch (error) {
      return Promise.reject(error);
    }
    return new Promise((resolve, reject) => this.demand(options, resolve, reject));
  }

  /** Waits for the next message in the queue of those who wait: {@link receiveNow} without a promise. */
  demand(
    { returns, signal }: ReceiveOptions,
    resolve: (result: ReceiveResult) => void,
    reject: (error: CircuitError) => void,
  ): void {
    const core = this.#core;
    const demand: Receiving = { returns: returns !== false, resolve, reject, release: undefined };
    enqueue(core.demands, demand, signal);
    core.writable.notify();
  }

  tryReceive(options: { readonly returns?: boolean } = {}): ReceiveResult<T> | undefined {
    if (this.#moved) throw movedError();
    const core = this.#core;
    const returns = options.returns !== false;
    const result = core.take(returns) ?? (core.capacity === 0 ? core.demandNow(returns) : undefined);
    return result as ReceiveResult<T> | undefined;
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<T> {
    return iterateMessages(this);
  }

  cancel(reason?: unknown): void {
    if (!this.#moved) this.cancelNow(reasonError(reason, 'cancelled by the receiver'));
  }

  cancelNow(reason: CircuitError): void {
    this.#core.fail(reason);
  }

  onReadable(run: () => void): () => void {
    return this.#core.readable.add(run);
  }

  /** Rejects when the channel is aborted or cancelled. */
  get finished(): Promise<void> {
    return this.#core.finished;
  }

  move(): void {
    if (this.#moved) throw movedError();
    this.#moved = true;
    this.turnAway();
    this.#core.readable.notify();
  }

  relay(): void {
    this.#core.relaying = true;
  }

  relayDone(): void {
    this.#core.relaying = false;
    this.#core.checkFinished();
  }

  override regain(): PipeReceiver<T> {
    this.relayDone();
    resolveAll(this.#core.demands, { done: true });
    return new PipeReceiver(this.#core);
  }

  /** Tells who waits that the end was moved. */
  turnAway(): void {
    turnAwayAll(this.#core.demands);
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
