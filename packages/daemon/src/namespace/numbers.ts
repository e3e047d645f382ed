/** Where the upper end of the numbers that may have been given is kept over restarts. */
export interface NumberStore {
  /** The end kept last; `undefined` at the first start. */
  load(): number | undefined;
  /** Keeps `end` before it returns. */
  save(end: number): void;
}

const blockSize = 1_000_000;

/**
 * Gives each number once, also over crashes: a block is set aside on disk before its first number is given, and what a
 * crash leaves of a block is never given.
 */
export function numbersFrom(store: NumberStore): () => number {
  let next = store.load() ?? 1;
  let end = next;
  return () => {
    if (next === end) {
      end += blockSize;
      store.save(end);
    }
    return next++;
  };
}
