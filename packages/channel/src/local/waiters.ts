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

  notify(): void {
    const runs = this.#runs;
    if (runs === undefined || runs.size === 0) return;
    this.#runs = undefined;
    for (const run of runs) run();
  }
}
