import { abortError, type CircuitError, onAbort } from '@circuit/base';
import type { Deque } from './deque.js';
import { movedError } from './end.js';

/** Somebody who waits for what comes next, in a queue of such. */
export interface Demand<R> {
  readonly resolve: (result: R) => void;
  readonly reject: (error: CircuitError) => void;
  /** Takes the listener off the signal that would end the wait. */
  release: (() => void) | undefined;
}

/** Puts `demand` at the end of `queue`; `signal` takes it out again. */
export function enqueue<D extends Demand<never>>(queue: Deque<D>, demand: D, signal: AbortSignal | undefined): void {
  if (signal !== undefined) {
    demand.release = onAbort(signal, () => {
      if (queue.remove(demand)) demand.reject(abortError(signal));
    });
  }
  queue.push(demand);
}

/** Takes the first out of `queue`, to be answered at once. */
export function dequeue<D extends Demand<never>>(queue: Deque<D>): D | undefined {
  const demand = queue.shift();
  demand?.release?.();
  return demand;
}

/** Answers everybody in `queue` with `result`. */
export function resolveAll<R>(queue: Deque<Demand<R>>, result: R): void {
  for (const demand of queue.drain()) {
    demand.release?.();
    demand.resolve(result);
  }
}

/** Tells everybody in `queue` that nothing comes. */
export function rejectAll(queue: Deque<Demand<never>>, reason: CircuitError): void {
  for (const demand of queue.drain()) {
    demand.release?.();
    demand.reject(reason);
  }
}

/** Tells everybody in `queue` that the end was sent away. Mostly nobody waits, and an error for nobody would cost more than a message. */
export function turnAwayAll(queue: Deque<Demand<never>>): void {
  if (queue.length > 0) rejectAll(queue, movedError());
}
