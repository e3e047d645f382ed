import { abortError, CircuitError, onAbort, toCircuitError, type WaitOptions } from '@circuit/base';
import { Deque } from '../local/deque.js';
import { nextTurn } from '../local/turn.js';
import type { Receiver, Sender } from '../types.js';
import { serve } from './serve.js';

/** The bounds of a hub. */
export interface HubOptions {
  /** Workers at once; a further one hears `limit`. 1,024 by default. */
  readonly maxWorkers?: number | undefined;
  /** Requests that one worker has at a time; 16 by default. */
  readonly perWorker?: number | undefined;
  /** Requests that wait for a free worker, or for the first; one more fails with `limit`. 1,024 by default. */
  readonly maxWaiting?: number | undefined;
}

/** How one request is given to a worker. */
export interface RequestOptions extends WaitOptions {
  /** Give it to another worker also when the one that died may have begun: for requests that do no harm twice. */
  readonly repeat?: boolean | undefined;
}

interface Worker<T> {
  readonly sender: Sender<T>;
  busy: number;
  /** When it last got a request, as a count: among equals the one that has rested longest is next. */
  last: number;
  /** What its channel failed with. */
  failure: unknown;
}

interface Waiting<T> {
  readonly resolve: (worker: Worker<T>) => void;
  readonly reject: (error: CircuitError) => void;
}

/**
 * Brings requests to workers that register themselves: a worker sends a message with a return channel, and on that channel it
 * gets requests, each of which it answers on the return channel of the request (`serve` does so). A request goes to the live worker with
 * the fewest, and waits its turn when all are busy. A worker that dies or cancels its channel is dropped: what it had not taken goes to
 * another, what it had begun fails with `outcome-unknown` or is repeated, as its caller says. Requests and answers are handed on as they are: a
 * worker in this process gets the value itself, and its caller the answer itself, so who sends either gives it away; over a session both are copies.
 */
export class Hub<T = unknown, A = unknown> {
  readonly #workers = new Set<Worker<T>>();
  readonly #waiting = new Deque<Waiting<T>>();
  readonly #maxWorkers: number;
  readonly #perWorker: number;
  readonly #maxWaiting: number;
  #count = 0;
  #closed = false;

  constructor({ maxWorkers = 1024, perWorker = 16, maxWaiting = 1024 }: HubOptions = {}) {
    this.#maxWorkers = maxWorkers;
    this.#perWorker = perWorker;
    this.#maxWaiting = maxWaiting;
  }

  /** How many workers are there. */
  get workers(): number {
    return this.#workers.size;
  }

  /** How many requests wait for a worker. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Takes the registrations that come by `receiver` until it ends; `admit` may refuse one by throwing. */
  async register(
    receiver: Receiver,
    { admit, signal }: WaitOptions & { readonly admit?: ((registration: unknown) => void) | undefined } = {},
  ): Promise<void> {
    for (;;) {
      const message = await receiver.receive({ signal });
      if (message.done) return;
      try {
        admit?.(message.value);
        this.add(message.ret);
      } catch (error) {
        message.ret.abort(toCircuitError(error));
      }
    }
  }

  /** Takes `sender` over as a worker. Throws `limit` beyond the bound, `closed` after {@link close}. */
  add(sender: Sender<T>): void {
    if (this.#closed) throw new CircuitError('closed', 'hub: closed');
    if (this.#workers.size >= this.#maxWorkers)
      throw new CircuitError('limit', `hub: ${this.#maxWorkers} workers are there`);
    const worker: Worker<T> = { sender, busy: 0, last: 0, failure: undefined };
    this.#workers.add(worker);
    const drop = (reason?: unknown): void => {
      worker.failure = reason;
      this.#workers.delete(worker);
    };
    sender.closed.then(() => drop(), drop);
    this.#assign();
  }

  /**
   * The one answer of a worker to `value`. Rejects with what the worker aborts it with, `outcome-unknown` when it died behind the
   * request, `limit` when too many wait. Given up by its signal the worker's return channel is cancelled.
   */
  async request(value: T, { repeat = false, signal }: RequestOptions = {}): Promise<A> {
    for (;;) {
      const worker = await this.#free(signal);
      try {
        const outcome = await this.#ask(worker, value, signal);
        if (outcome.type === 'answer') return outcome.value;
        this.#workers.delete(worker);
        if (outcome.type === 'in-doubt' && !repeat)
          throw new CircuitError('outcome-unknown', `hub: the worker is gone: ${outcome.reason.message}`, {
            cause: outcome.reason,
          });
      } finally {
        worker.busy--;
        this.#assign();
      }
    }
  }

  /** Answers every request of `receiver` by a worker, until the channel ends. */
  serve(receiver: Receiver<T>, options: RequestOptions = {}): Promise<void> {
    return serve(receiver, async (value, ret) => ret.send(await this.request(value, options)), options);
  }

  /** Closes every worker's channel behind what it has; requests that wait fail with `closed`. Idempotent. */
  close(): void {
    this.#closed = true;
    for (const waiting of this.#waiting.drain()) waiting.reject(new CircuitError('closed', 'hub: closed'));
    for (const { sender } of this.#workers) sender.close();
    this.#workers.clear();
  }

  async #ask(worker: Worker<T>, value: T, signal: AbortSignal | undefined): Promise<Outcome<A>> {
    let answers: Receiver;
    try {
      answers = await worker.sender.send(value, { returns: true, signal });
    } catch (error) {
      const reason = toCircuitError(error);
      if (signal?.aborted || this.#workers.has(worker)) {
        // The news of a channel's end comes in the same turn as that of the send.
        await new Promise<void>(nextTurn);
        if (signal?.aborted || (this.#workers.has(worker) && !isGone(reason))) throw reason;
      }
      return { type: 'not-taken' };
    }
    try {
      const answer = await answers.receive({ returns: false, signal });
      answers.cancel(new CircuitError('closed', 'hub: one answer is enough'));
      if (!answer.done) return { type: 'answer', value: answer.value as A };
      return { type: 'in-doubt', reason: new CircuitError('closed', 'it gave no answer') };
    } catch (error) {
      const reason = toCircuitError(error);
      answers.cancel(reason);
      if (signal?.aborted) throw reason;
      if (reason.code === 'undelivered') return { type: 'not-taken' };
      await new Promise<void>(nextTurn);
      // What ended the worker's channel as well is no word of the worker about this request.
      if (isGone(reason) || worker.failure === reason) return { type: 'in-doubt', reason };
      throw reason;
    }
  }

  /** A worker with room, now or when it is this request's turn; one place of it is taken. */
  async #free(signal: AbortSignal | undefined): Promise<Worker<T>> {
    if (signal?.aborted) throw abortError(signal);
    if (this.#closed) throw new CircuitError('closed', 'hub: closed');
    const worker = this.#waiting.length === 0 ? this.#next() : undefined;
    if (worker !== undefined) return this.#take(worker);
    if (this.#waiting.length >= this.#maxWaiting)
      throw new CircuitError('limit', `hub: ${this.#maxWaiting} requests wait for a worker`, { retryable: true });
    let release = ignore;
    const turn = new Promise<Worker<T>>((resolve, reject) => {
      const waiting: Waiting<T> = { resolve, reject };
      this.#waiting.push(waiting);
      if (signal !== undefined)
        release = onAbort(signal, () => {
          if (this.#waiting.remove(waiting)) reject(abortError(signal));
        });
    });
    return turn.finally(() => release());
  }

  /** Gives those who wait what is free. */
  #assign(): void {
    while (this.#waiting.length > 0) {
      const worker = this.#next();
      if (worker === undefined) return;
      this.#waiting.shift()?.resolve(this.#take(worker));
    }
  }

  #take(worker: Worker<T>): Worker<T> {
    worker.busy++;
    worker.last = ++this.#count;
    return worker;
  }

  #next(): Worker<T> | undefined {
    let best: Worker<T> | undefined;
    for (const worker of this.#workers) {
      if (worker.busy >= this.#perWorker) continue;
      if (best === undefined || worker.busy < best.busy || (worker.busy === best.busy && worker.last < best.last))
        best = worker;
    }
    return best;
  }
}

type Outcome<A> =
  | { readonly type: 'answer'; readonly value: A }
  | { readonly type: 'not-taken' }
  | { readonly type: 'in-doubt'; readonly reason: CircuitError };

/** Whether the error speaks of the worker rather than of the request. */
function isGone({ code }: CircuitError): boolean {
  return code === 'peer-gone' || code === 'closed' || code === 'outcome-unknown' || code === 'undelivered';
}

function ignore(): void {}
