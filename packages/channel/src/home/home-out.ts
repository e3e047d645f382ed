import { abortError, CircuitError, onAbort, type WaitOptions } from '@circuit/base';
import { Deque } from '../local/deque.js';
import { Waiters } from '../local/waiters.js';
import type { OutHalf } from '../session/out-half.js';
import type { SinkAway } from './away.js';
import { whenOver } from './when-over.js';

/** What a sending end does in this process; that of a pipe, or another that comes home. */
export interface LocalOut {
  closeNow(): void;
  abortNow(reason: CircuitError): void;
  readonly closed: Promise<void>;
  /** What a send fails with now. */
  readonly sendRefusal: CircuitError | undefined;
  /** Of one that comes home: the end behind it, once that is used directly. */
  readonly home?: LocalOut | undefined;
}

interface Held<V, O, R> {
  readonly value: V;
  readonly options: O;
  readonly resolve: (result: R) => void;
  readonly reject: (error: CircuitError) => void;
  release: (() => void) | undefined;
}

/**
 * Holds what is sent until everything that was sent from afar is in, then hands it to the end in this process.
 *
 *     away ─the far side's rest and its end have come in─▶ home
 */
export abstract class HomeOut<L extends LocalOut, V, O extends WaitOptions, R> {
  /** What it comes home from, until that has begun: an end outlives the sessions that it was lent to. */
  #way: { readonly far: OutHalf; readonly away: SinkAway } | undefined;
  readonly #maxHeld: number;
  readonly #held = new Deque<Held<V, O, R>>();
  readonly #writable = new Waiters();
  #local: L | undefined;
  #unwatch: (() => void) | undefined;
  #arrived = false;
  #closing = false;

  constructor(far: OutHalf, away: SinkAway) {
    this.#way = { far, away };
    this.#maxHeld = far.link.limits.maxPendingSends;
  }

  /** Ends the long way at once: its end comes back behind everything that was sent from afar. */
  begin(): void {
    const way = this.#way;
    if (way === undefined) return;
    this.#way = undefined;
    this.#local = way.away.await(() => this.#arrive()) as unknown as L;
    if (!this.#arrived) this.#watch(this.#local);
    way.far.closeNow();
  }

  /** The end in this process once it is used directly. */
  get home(): L | undefined {
    return this.#arrived && this.#held.length === 0 ? this.#local : undefined;
  }

  get closed(): Promise<void> {
    return this.#here.closed;
  }

  get sendRefusal(): CircuitError | undefined {
    return (
      this.#here.sendRefusal ?? (this.#closing ? new CircuitError('closed', 'send on a closed channel') : undefined)
    );
  }

  send(value: V, options: O): Promise<R> {
    if (this.#arrived) return this.#hand(value, options);
    const { signal } = options;
    const refusal = this.sendRefusal ?? (signal?.aborted ? abortError(signal) : this.#full);
    if (refusal !== undefined) {
      this.abandon(value, options, refusal);
      return Promise.reject(refusal);
    }
    return new Promise((resolve, reject) => {
      const held: Held<V, O, R> = { value, options, resolve, reject, release: undefined };
      if (signal !== undefined) {
        held.release = onAbort(signal, () => {
          if (!this.#held.remove(held)) return;
          this.abandon(value, options, abortError(signal));
          reject(abortError(signal));
        });
      }
      this.#held.push(held);
    });
  }

  onWritable(run: () => void, here: (local: L) => () => void): () => void {
    return this.#arrived ? here(this.#here) : this.#writable.add(run);
  }

  closeNow(): void {
    this.#closing = true;
    if (this.#arrived) this.#here.closeNow();
  }

  abortNow(reason: CircuitError): void {
    this.#here.abortNow(reason);
    this.#fail(reason);
  }

  get #full(): CircuitError | undefined {
    if (this.#held.length < this.#maxHeld) return undefined;
    return new CircuitError('limit', `more than ${this.#maxHeld} sends wait on one channel; await them`);
  }

  get #here(): L {
    if (this.#local === undefined) throw new CircuitError('internal', 'an end was used before it came home');
    return this.#local;
  }

  #watch({ closed }: L): void {
    this.#unwatch = whenOver(closed, (failure) => {
      if (failure !== undefined) this.#fail(failure);
    });
  }

  #arrive(): void {
    this.#arrived = true;
    this.#unwatch?.();
    // What it came home through on an earlier trip is not needed any more.
    this.#local = (this.#local?.home as L | undefined) ?? this.#local;
    for (const { value, options, resolve, reject, release } of this.#held.drain()) {
      release?.();
      this.#hand(value, options).then(resolve, reject);
    }
    if (this.#closing) this.#here.closeNow();
    this.#writable.notify();
  }

  /** What cannot be sent rejects, as ever. */
  #hand(value: V, options: O): Promise<R> {
    try {
      return this.pass(this.#here, value, options);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #fail(reason: CircuitError): void {
    for (const { value, options, reject, release } of this.#held.drain()) {
      release?.();
      this.abandon(value, options, reason);
      reject(reason);
    }
    this.#writable.notify();
  }

  protected abstract pass(local: L, value: V, options: O): Promise<R>;
  /** `value` will not be sent: what stands in it hears of that. */
  protected abstract abandon(value: V, options: O, reason: CircuitError): void;
}
