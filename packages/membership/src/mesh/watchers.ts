import type { Logger } from '@circuit/base';

/** Calls listeners one at a time and in order, whatever they do meanwhile. */
export class Watchers<T> {
  readonly #log: Logger;
  readonly #listeners = new Set<(event: T) => void>();
  readonly #queue: (() => void)[] = [];
  #running = false;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Tells `first` at once, then what comes; the result ends the watch. */
  add(listener: (event: T) => void, first: T): () => void {
    // A wrapper of its own, so that one function can watch twice.
    const own = (event: T): void => listener(event);
    this.#listeners.add(own);
    this.#guarded(() => own(first));
    return () => void this.#listeners.delete(own);
  }

  /** Queues `event` for those that watch now: a later watcher has it in its first. */
  tell(event: T): void {
    for (const listener of this.#listeners) {
      this.#queue.push(() => {
        if (this.#listeners.has(listener)) listener(event);
      });
    }
  }

  /** Queues a call among the events. */
  call(run: () => void): void {
    this.#queue.push(run);
  }

  /** Makes the queued calls. */
  run(): void {
    if (this.#running) return;
    this.#running = true;
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) this.#guarded(next);
    this.#running = false;
  }

  clear(): void {
    this.#listeners.clear();
    this.#queue.length = 0;
  }

  #guarded(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#log.error('membership: a listener failed', { error: String(error) });
    }
  }
}
