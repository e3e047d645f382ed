import { type CircuitError, type Deferred, deferred } from '@circuit/base';

/** How a pipe stands, and when it is over. */
export abstract class PipeState {
  failure: CircuitError | undefined;
  closed = false;
  /** Who takes passes on: what was taken may still fail on its way. */
  relaying = false;
  #finished: Deferred | undefined;

  /** Whether nothing is left to take. */
  protected abstract get empty(): boolean;

  /** Whether it can neither fail any more nor carry anything. */
  get over(): boolean {
    return this.failure !== undefined || (this.closed && this.empty && !this.relaying);
  }

  /** Resolves when all was taken and nothing follows; rejects when it fails. */
  get finished(): Promise<void> {
    if (this.#finished === undefined) {
      this.#finished = deferred();
      this.#finished.promise.catch(nothing);
      this.checkFinished();
    }
    return this.#finished.promise;
  }

  /** To be called after every change that may have ended it. */
  checkFinished(): void {
    if (this.failure !== undefined) this.#finished?.reject(this.failure);
    else if (this.over) this.#finished?.resolve();
  }
}

function nothing(): void {}
