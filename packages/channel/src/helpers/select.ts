import {
  abortError,
  type Clock,
  onAbort,
  type Random,
  randomInt,
  systemClock,
  systemRandom,
  throwIfAborted,
  type WaitOptions,
} from '@circuit/base';
import type { ReceiveResult, Receiver, Sender } from '../types.js';

/** One thing that `select` may do. Make it with {@link receiving}, {@link sending}. */
export interface Case<R> {
  /** Does it if that is possible now; `undefined` if not. Throws what the operation fails with. */
  attempt(): { readonly result: R } | undefined;
  /** Calls `run` when an attempt is worth making; the result withdraws the call. */
  onReady(run: () => void): () => void;
}

/** A case that receives from `receiver`. The end of the channel is a result too. */
export function receiving<T, R>(receiver: Receiver<T>, use: (message: ReceiveResult<T>) => R): Case<R> {
  return {
    attempt() {
      const message = receiver.tryReceive();
      return message === undefined ? undefined : { result: use(message) };
    },
    onReady: (run) => receiver.onReadable(run),
  };
}

/** A case that sends `value`. */
export function sending<T, R>(sender: Sender<T>, value: T, use: () => R): Case<R> {
  return {
    attempt: () => (sender.trySend(value) ? { result: use() } : undefined),
    onReady: (run) => sender.onWritable(run),
  };
}

/** How a select waits. */
export interface SelectOptions extends WaitOptions {
  readonly clock?: Clock | undefined;
  /** Decides between cases that are ready together. */
  readonly random?: Random | undefined;
}

/** What is done when no case was possible for so long. */
export interface After<R> {
  readonly ms: number;
  /** Gives what the select resolves to then. */
  readonly use: () => R;
}

/**
 * Does exactly one of `cases`, whichever is possible first, fairly among those that are possible together; the others lose
 * nothing. With `otherwise` it never waits, with `after` it waits at most that long.
 */
export async function select<const R extends readonly unknown[], O = never, L = never>(
  cases: { readonly [K in keyof R]: Case<R[K]> },
  options: SelectOptions & {
    readonly otherwise?: (() => O) | undefined;
    readonly after?: After<L> | undefined;
  } = {},
): Promise<R[number] | O | L> {
  const { signal, random = systemRandom } = options;
  throwIfAborted(signal);
  const first = attemptOne(cases, random);
  if (first !== undefined) return first.result;
  if (options.otherwise !== undefined) return options.otherwise();
  return new Promise((resolve, reject) => {
    new Selecting(cases, options, resolve, reject);
  });
}

/** Tries all cases in random order (Fisher and Yates): going round from a random one would favour those behind a gap. */
function attemptOne<R>(cases: readonly Case<R>[], random: Random): { readonly result: R } | undefined {
  const order = [...cases];
  for (let left = order.length; left > 0; left--) {
    const chosen = randomInt(random, left);
    const done = order[chosen]?.attempt();
    if (done !== undefined) return done;
    order[chosen] = order[left - 1] as Case<R>;
  }
  return undefined;
}

/** A `select` that waits for the first of its cases. */
class Selecting<R> {
  readonly #cases: readonly Case<R>[];
  readonly #random: Random;
  readonly #resolve: (result: R) => void;
  readonly #reject: (error: unknown) => void;
  readonly #releases = new Set<() => void>();
  #over = false;
  /** Two that wait for each other try while the other does: what is heard meanwhile is looked at afterwards. */
  #trying = false;
  #heard = false;

  constructor(
    cases: readonly Case<R>[],
    {
      signal,
      clock = systemClock,
      random = systemRandom,
      after,
    }: SelectOptions & { readonly after?: After<R> | undefined },
    resolve: (result: R) => void,
    reject: (error: unknown) => void,
  ) {
    this.#cases = cases;
    this.#random = random;
    this.#resolve = resolve;
    this.#reject = reject;
    if (after !== undefined) {
      const timer = clock.after(after.ms, () => this.#finish(() => resolve(after.use())));
      this.#releases.add(() => timer.cancel());
    }
    if (signal !== undefined) this.#releases.add(onAbort(signal, () => this.#finish(() => reject(abortError(signal)))));
    for (const one of cases) this.#listen(one);
  }

  #listen(one: Case<R>): void {
    if (this.#over) return;
    const listening: { heard: boolean; release?: () => void } = { heard: false };
    const release = one.onReady(() => {
      listening.heard = true;
      if (listening.release !== undefined) this.#releases.delete(listening.release);
      this.#retry(one);
    });
    // It may have been called, or a match found, before the call came back.
    if (listening.heard) return;
    listening.release = release;
    this.#releases.add(release);
  }

  #retry(one: Case<R>): void {
    if (this.#over) return;
    if (this.#trying) {
      this.#heard = true;
      this.#listen(one);
      return;
    }
    try {
      const done = this.#attempt();
      if (done === undefined) this.#listen(one);
      else this.#finish(() => this.#resolve(done.result));
    } catch (error) {
      this.#finish(() => this.#reject(error));
    }
  }

  #attempt(): { readonly result: R } | undefined {
    this.#trying = true;
    try {
      const done = attemptOne(this.#cases, this.#random);
      // Once is enough: whoever was kept from a match by this attempt listens by now.
      return done ?? (this.#takeHeard() ? attemptOne(this.#cases, this.#random) : undefined);
    } finally {
      this.#trying = false;
      this.#heard = false;
    }
  }

  #takeHeard(): boolean {
    return this.#heard;
  }

  #finish(end: () => void): void {
    if (this.#over) return;
    this.#over = true;
    for (const release of this.#releases) release();
    this.#releases.clear();
    end();
  }
}
