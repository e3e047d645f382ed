/** Calls that want to hear once of the next change; the callers of `onReadable` and `onWritable`. */
export class Waiters {
  readonly #runs = new Set<() => void>();

  /** Whether anybody waits. */
  get some(): boolean {
    return this.#runs.size > 0;
  }

  add(run: () => void): () => void {
    const entry = (): void => run();
    this.#runs.add(entry);
    return () => this.#runs.delete(entry);
  }

  /** Calls those who wait now, in their order, as long as an attempt is worth making: who is not called waits on. */
  notify(worth?: () => boolean): void {
    let left = this.#runs.size;
    for (const run of this.#runs) {
      if (left-- === 0 || worth?.() === false) return;
      this.#runs.delete(run);
      run();
    }
  }
}
