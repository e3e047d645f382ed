/** Calls that want to hear once of the next change; the callers of `onReadable` and `onWritable`. */
export class Waiters {
  #runs: Set<() => void> | undefined;

  /** Whether anybody waits. */
  get some(): boolean {
    return this.#runs !== undefined && this.#runs.size > 0;
  }

  add(run: () => void): () => void {
    this.#runs ??= new Set();
    const entry = (): void => run();
    this.#runs.add(entry);
    return () => this.#runs?.delete(entry);
  }

  /** Calls those who wait now, in their order, as long as an attempt is worth making: who is not called waits on. */
  notify(worth?: () => boolean): void {
    const runs = this.#runs;
    if (runs === undefined) return;
    let left = runs.size;
    for (const run of runs) {
      if (left-- === 0 || worth?.() === false) return;
      runs.delete(run);
      run();
    }
  }
}
