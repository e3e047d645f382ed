import { abortError, CircuitError, type WaitOptions } from '@circuit/base';
import { type Demand, dequeue, enqueue, resolveAll, turnAwayAll } from '../local/demand.js';
import { Deque } from '../local/deque.js';
import { Waiters } from '../local/waiters.js';
import type { InBytes } from '../session/in-bytes.js';
import type { InMessage } from '../session/in-message.js';
import type { SourceAway } from './away.js';
import { whenOver } from './when-over.js';

/** What a receiving end does in this process; that of a pipe, or another that comes home. */
export interface LocalIn {
  cancelNow(reason: CircuitError): void;
  onReadable(run: () => void): () => void;
  turnAway(): void;
  relay(): void;
  relayDone(): void;
  /**
   * What it gave away before it came home is taken: a pump whose session is gone cannot say so any more. Absent where a pump that fails is heard for
   * each message.
   */
  caughtUp?(): void;
  /** Rejects when the channel fails. */
  readonly finished: Promise<void>;
  /** Of one that comes home: the end behind it, once nothing is left of the long way. */
  readonly home?: LocalIn | undefined;
}

interface Taking<O, R> extends Demand<R> {
  readonly options: O;
}

/**
 * Takes first what still comes the long way round, then what waits in this process.
 *
 *     away ─the far half is read to its clean end─▶ home
 *     away ─the far half fails─▶ away for good: what waits here is cancelled with the same reason
 *
 * Who waits is served in order, across the change too.
 */
export abstract class HomeIn<H extends InMessage | InBytes, L extends LocalIn, O extends WaitOptions, R> {
  readonly #waiting = new Deque<Taking<O, R>>();
  readonly #readable = new Waiters();
  /** What comes from afar, and the end that was there; `undefined` when all is taken: an end outlives the sessions that it was lent to. */
  #way: { readonly far: H; readonly away: SourceAway } | undefined;
  #local: L | undefined;
  /** A pump takes from here: the end in this process is taken when that says so. */
  #relaying = false;
  #unwatch: (() => void) | undefined;
  /** The far side has ended, whole by its own account; whether by ours is known when its end arrives, for the session may be gone later. */
  #ended: { readonly short: CircuitError | undefined } | undefined;

  constructor(far: H, away: SourceAway) {
    this.#way = { far, away };
  }

  /** The pump takes nothing more; from here on this serves whoever holds the end. */
  begin(): void {
    if (this.#way === undefined) return;
    const local = this.#way.away.stop(() => this.#far === undefined || whole(this.#far)) as unknown as L;
    this.#local = local;
    this.#unwatch = whenOver(local.finished, (failure) => {
      // An abort of the sender is immediate: what is still under way is dropped.
      if (failure !== undefined) this.#far?.cancelNow(failure);
    });
    this.#advance();
  }

  /** The end in this process once nothing is left of the long way. */
  get home(): L | undefined {
    return this.#far === undefined ? this.#local : undefined;
  }

  get finished(): Promise<void> {
    return this.#here.finished;
  }

  take(options: O): Promise<R> {
    const { signal } = options;
    if (signal?.aborted) return Promise.reject(abortError(signal));
    try {
      const result = this.tryTake(options);
      if (result !== undefined) return Promise.resolve(result);
    } catch (error) {
      return Promise.reject(error);
    }
    return new Promise((resolve, reject) => this.demand(options, resolve, reject));
  }

  /** Waits for what comes next. */
  demand(options: O, resolve: (result: R) => void, reject: (error: CircuitError) => void): void {
    if (this.#far === undefined) {
      this.demandHere(this.#here, options, resolve, reject);
      return;
    }
    const demand: Taking<O, R> = { options, resolve, reject, release: undefined };
    enqueue(this.#waiting, demand, options.signal);
  }

  /** What can be had at once; throws what `take` would reject with. */
  tryTake(options: O): R | undefined {
    if (this.#far !== undefined) {
      const result = this.tryFar(this.#far, options);
      if (result === undefined || !this.isEnd(result)) return result;
      this.#comeHome();
    }
    return this.tryHere(this.#here, options);
  }

  /** What comes the long way is answered for as it is taken. */
  relay(): void {
    this.#relaying = true;
    this.#here.relay();
  }

  /** Nothing in this process is taken to its end in front of what comes the long way. */
  relayDone(): void {
    this.#relaying = false;
    if (this.#far === undefined) this.#here.relayDone();
  }

  onReadable(run: () => void): () => void {
    return this.#far === undefined ? this.#here.onReadable(run) : this.#readable.add(run);
  }

  cancelNow(reason: CircuitError): void {
    this.#here.cancelNow(reason);
    this.#far?.cancelNow(reason);
  }

  /** The holder has given the end away: those who wait are told. */
  turnAway(): void {
    this.home?.turnAway();
    turnAwayAll(this.#waiting);
  }

  /** The end comes home once more while this is still under way: its pump takes nothing more from here. */
  dismiss(): void {
    resolveAll(this.#waiting, this.end);
  }

  get #far(): H | undefined {
    return this.#way?.far;
  }

  get #here(): L {
    if (this.#local === undefined) throw new CircuitError('internal', 'an end was used before it came home');
    return this.#local;
  }

  /** Something came from afar, or nothing will any more. */
  readonly #advance = (): void => {
    if (this.#way === undefined) return;
    const { far, away } = this.#way;
    if (whole(far)) this.#ended ??= { short: away.short };
    if (far.failure !== undefined) this.#here.cancelNow(far.failure);
    while (this.#far !== undefined && this.#waiting.length > 0) {
      const demand = this.#waiting.first() as Taking<O, R>;
      try {
        const result = this.tryFar(far, demand.options);
        if (result === undefined) break;
        if (this.isEnd(result)) this.#comeHome();
        else {
          dequeue(this.#waiting);
          demand.resolve(result);
        }
      } catch (error) {
        dequeue(this.#waiting);
        demand.reject(error as CircuitError);
      }
    }
    if (whole(far) && far.empty) this.#comeHome();
    if (this.#far !== undefined) far.onReadable(this.#advance);
    this.#readable.notify();
  };

  #comeHome(): void {
    if (this.#way === undefined) return;
    const { short } = this.#ended ?? this.#way.away;
    this.#way = undefined;
    this.#unwatch?.();
    // What it came home through on an earlier trip is not needed any more.
    this.#local = (this.#local?.home as L | undefined) ?? this.#local;
    // What has not gone there is lost, so nothing may follow it.
    if (short !== undefined) this.#here.cancelNow(short);
    else this.#here.caughtUp?.();
    // Its pump took to the end what then came the long way: only now has somebody taken that.
    if (!this.#relaying) this.#here.relayDone();
    for (const { options, resolve, reject, release } of this.#waiting.drain()) {
      release?.();
      try {
        const result = this.tryHere(this.#here, options);
        if (result === undefined) this.demandHere(this.#here, options, resolve, reject);
        else resolve(result);
      } catch (error) {
        reject(error as CircuitError);
      }
    }
    this.#readable.notify();
  }

  protected abstract readonly end: R;
  protected abstract tryFar(far: H, options: O): R | undefined;
  protected abstract isEnd(result: R): boolean;
  protected abstract tryHere(local: L, options: O): R | undefined;
  protected abstract demandHere(
    local: L,
    options: O,
    resolve: (result: R) => void,
    reject: (error: CircuitError) => void,
  ): void;
}

/** Whether everything up to a clean end has arrived; it may still wait to be taken. */
function whole({ peerFinal, failure }: InMessage | InBytes): boolean {
  return peerFinal && failure === undefined;
}
