/** What a {@link Scope} can hold: anything that is closed once. */
export type Release = () => void | Promise<void>;

/**
 * Owns several resources and releases them in reverse order (Node 20 has no `AsyncDisposableStack`).
 * Every release runs, also when an earlier one failed; the first failure is thrown at the end.
 */
export class Scope {
  readonly #releases: Release[] = [];
  #closing: Promise<void> | undefined;

  /** Hands `release` over. In a scope that is already closed it runs at once. */
  defer(release: Release): void {
    if (this.#closing === undefined) {
      this.#releases.push(release);
      return;
    }
    const closing = this.#closing;
    this.#closing = (async () => {
      try {
        await closing;
      } finally {
        await release();
      }
    })();
    this.#closing.catch(ignore);
  }

  /** Hands a resource over and returns it. */
  use<T extends { close(): void | Promise<void> }>(resource: T): T {
    this.defer(() => resource.close());
    return resource;
  }

  /** Releases everything, newest first. Idempotent: a second call waits for the first. */
  close(): Promise<void> {
    this.#closing ??= this.#run();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #run(): Promise<void> {
    const failures: unknown[] = [];
    for (;;) {
      const release = this.#releases.pop();
      if (release === undefined) break;
      try {
        await release();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}

function ignore(): void {}
