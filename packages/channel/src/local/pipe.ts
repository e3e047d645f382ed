import { abortError, CircuitError, onAbort } from '@circuit/base';
import type { Ended, ReceiveOptions, ReceiveResult, Receiver, Sender, SendOptions } from '../types.js';
import { abandonAnswers, abandonMessage, failSend } from './abandon.js';
import { enqueue, resolveAll, turnAwayAll } from './demand.js';
import { End, type EndKind, movedError } from './end.js';
import { iterateMessages } from './iterate.js';
import { type Offer, PipeCore, type Receiving } from './pipe-core.js';
import type { Passed, RawReceiver, RawSender, RawSendOptions } from './raw.js';
import { reasonError } from './reason-error.js';
import { resolved } from './resolved.js';
import { swallow } from './swallow.js';
import { turnDue } from './taking-turns.js';

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
      const offer: Offer = { value, ret, signal, acknowledged, buffered: false, ...over };
      core.offers.push(offer);
      core.fillBuffer();
      core.tellReceivers();
      return back === undefined ? resolved : Promise.resolve(back.receiver);
    }
    return new Promise((resolve, reject) => {
      const offer: Offer = {
        value,
        ret,
        signal,
        taken: () => resolve(back?.receiver),
        acknowledged,
        buffered: false,
        handedOn,
        refused(error) {
          abandonAnswers(back?.receiver, error);
          reject(error);
        },
        release: undefined,
      };
      if (signal !== undefined) {
        offer.release = onAbort(signal, () => {
          if (!core.withdraw(offer)) return;
          abandonMessage(offer, abortError(signal));
          reject(abortError(signal));
        });
      }
      core.offers.push(offer);
      core.fillBuffer();
      if (held) core.serveFirst();
      core.tellReceivers();
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
    core.tellSenders();
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
    resolveAll(this.#core.demands, { done: true });
    return new PipeReceiver(this.#core);
  }

  /** Tells who waits that the end was moved. */
  turnAway(): void {
    turnAwayAll(this.#core.demands);
  }
}
