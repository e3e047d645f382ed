import type { Clock } from './clock.js';
import { CircuitError, isCircuitError } from './error.js';

/** The options of every function that can wait. */
export interface WaitOptions {
  /** Gives the wait up; the call then rejects with the reason of the signal as a `cancelled` or `timeout` error. */
  readonly signal?: AbortSignal | undefined;
}

/** A signal whose parents can be let go: `AbortSignal.any` on a long-lived parent leaks on Node 20. */
export interface LinkedSignal {
  readonly signal: AbortSignal;
  /** Takes the listeners off the parents. Call it when the work is over. */
  dispose(): void;
}

/** A signal that fires when the first of `parents` fires, with its reason. */
export function linkSignals(...parents: readonly (AbortSignal | undefined)[]): LinkedSignal {
  const controller = new AbortController();
  const releases: (() => void)[] = [];
  const dispose = (): void => {
    for (const release of releases.splice(0)) release();
  };
  for (const parent of parents) {
    if (parent === undefined) continue;
    releases.push(
      onAbort(parent, () => {
        dispose();
        controller.abort(parent.reason);
      }),
    );
  }
  return { signal: controller.signal, dispose };
}

/** A signal that fires `ms` milliseconds from now with a `timeout` error that names `what`; `dispose` ends its timer. */
export function deadline(clock: Clock, ms: number, what = 'operation'): LinkedSignal {
  const controller = new AbortController();
  const timer = clock.after(ms, () =>
    controller.abort(new CircuitError('timeout', `${what}: not done within ${ms} ms`, { retryable: true })),
  );
  return { signal: controller.signal, dispose: () => timer.cancel() };
}

/** Those who listen to one signal, behind one listener: an event target walks a list for each that comes or goes, and Node warns of more than ten. */
class Listeners extends Set<() => Promise<unknown>> {
  handleEvent(): void {
    for (const run of this) void run();
  }
}

const listenersOf = new WeakMap<AbortSignal, Listeners>();

/** Calls `run` when `signal` fires, at once if it has; the result takes the listener off again. */
export function onAbort(signal: AbortSignal | undefined, run: () => void): () => void {
  if (signal === undefined) return nothing;
  if (signal.aborted) {
    run();
    return nothing;
  }
  const listeners = listenersOf.get(signal) ?? new Listeners();
  if (listeners.size === 0) {
    listenersOf.set(signal, listeners);
    signal.addEventListener('abort', listeners, { once: true });
  }
  // What it throws becomes the rejection of a promise: the others hear all the same.
  const entry = (): Promise<unknown> => new Promise(() => run());
  listeners.add(entry);
  return () => {
    if (!listeners.delete(entry) || listeners.size > 0) return;
    // A signal that is listened to may be kept for as long.
    listenersOf.delete(signal);
    signal.removeEventListener('abort', listeners);
  };
}

/**
 * The error that a fired signal stands for: its own circuit error, `timeout` for one of `AbortSignal.timeout`, else `cancelled`, with the
 * reason as cause.
 */
export function abortError(signal: AbortSignal): CircuitError {
  const cause: unknown = signal.reason;
  if (isCircuitError(cause)) return cause;
  if ((Object(cause) as Error).name === 'TimeoutError')
    return new CircuitError('timeout', 'not done in time', { cause });
  return new CircuitError('cancelled', 'stopped by the caller', { cause });
}

/** Throws {@link abortError} if `signal` has fired. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortError(signal);
}

/** Waits for `promise` or for `signal`, whichever is first; a late result is dropped. */
export async function orAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  let release: () => void = nothing;
  const stopped = new Promise<never>((_, reject) => {
    release = onAbort(signal, () => reject(abortError(signal)));
  });
  try {
    return await Promise.race([promise, stopped]);
  } finally {
    release();
  }
}

/** Resolves `ms` milliseconds from now, or rejects when `signal` fires. */
export async function pause(clock: Clock, ms: number, { signal }: WaitOptions = {}): Promise<void> {
  throwIfAborted(signal);
  let cancel: () => void = nothing;
  const elapsed = new Promise<void>((resolve) => {
    const timer = clock.after(ms, resolve);
    cancel = () => timer.cancel();
  });
  try {
    await orAborted(elapsed, signal);
  } finally {
    cancel();
  }
}

function nothing(): void {}
