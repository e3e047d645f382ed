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
import type { Receiver, ReceiveResult, Sender } from '../types.js';

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

export interface SelectOptions extends WaitOptions {
  readonly clock?: Clock;
  /** Decides between cases that are ready together. */
  readonly random?: Random;
}

/**
 * Does exactly one of `cases`, whichever is possible first, fairly among those that are possible together; the others lose
 * nothing. With `otherwise` it never waits, with `after` it waits at most that long.
 */
export async function select<R>(
  cases: readonly Case<R>[],
  options: SelectOptions & {
    readonly otherwise?: () => R;
    readonly after?: { readonly ms: number; readonly use: () => R };
  } = {},
): Promise<R> {
  const { signal, clock = systemClock, random = systemRandom } = options;
  throwIfAborted(signal);
  const first = attemptOne(cases, random);
  if (first !== undefined) return first.result;
  if (options.otherwise !== undefined) return options.otherwise();
  return new Promise<R>((resolve, reject) => {
    const releases: (() => void)[] = [];
    const listening = new Map<Case<R>, () => void>();
    let over = false;
    const finish = (end: () => void): void => {
      if (over) return;
      over = true;
      for (const release of [...releases, ...listening.values()]) release();
      end();
    };
    const listen = (one: Case<R>): void => {
      const release = one.onReady(() => retry(one));
      if (over) release();
      else listening.set(one, release);
    };
    const retry = (one: Case<R>): void => {
      if (over) return;
      try {
        const done = attemptOne(cases, random);
        if (done === undefined) listen(one);
        else finish(() => resolve(done.result));
      } catch (error) {
        finish(() => reject(error));
      }
    };
    if (options.after !== undefined) {
      const { ms, use } = options.after;
      const timer = clock.after(ms, () => finish(() => resolve(use())));
      releases.push(() => timer.cancel());
    }
    if (signal !== undefined) releases.push(onAbort(signal, () => finish(() => reject(abortError(signal)))));
    for (const one of cases) listen(one);
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
