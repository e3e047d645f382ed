import { toCircuitError } from '@circuit/base';

/**
 * Counts who still uses a descriptor and releases it behind the last. A number that is closed while a call of the thread pool
 * uses it may be somebody else's by then.
 */
export class FdUse {
  readonly #release: () => void;
  #users: number;
  #busy = 0;
  #released = false;

  constructor(users: number, release: () => void) {
    this.#users = users;
    this.#release = release;
  }

  /** How one user leaves; twice is fine. */
  leaving(): () => void {
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.#users--;
      this.#releaseIfUnused();
    };
  }

  /** Holds the descriptor while `run` goes on, whose errors become ours. */
  async during<T>(run: () => Promise<T>): Promise<T> {
    this.#busy++;
    try {
      return await run();
    } catch (error) {
      throw toCircuitError(error, 'io');
    } finally {
      this.#busy--;
      this.#releaseIfUnused();
    }
  }

  #releaseIfUnused(): void {
    if (this.#users > 0 || this.#busy > 0 || this.#released) return;
    this.#released = true;
    this.#release();
  }
}
