declare function setImmediate(run: () => void): unknown;
declare const process: { nextTick(run: () => void): void } | undefined;

/** Runs its argument at the end of the current turn, on any runtime: in Node behind the promise jobs of the turn and before I/O. */
export const endOfTurn: (run: () => void) => void =
  typeof process === 'object' && typeof process.nextTick === 'function'
    ? (run) => queueMicrotask(() => process.nextTick(run))
    : (run) => queueMicrotask(run);

/** Runs its argument in a turn of its own, soon. */
export const nextTurn: (run: () => void) => void =
  typeof setImmediate === 'function' ? (run) => void setImmediate(run) : (run) => void setTimeout(run, 0);
