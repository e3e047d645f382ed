import { CircuitError } from '@circuit/base';

/** How many connections may be open at once. */
export class ConnectionBudget {
  readonly #max: number;
  #taken = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /** How many are open. */
  get taken(): number {
    return this.#taken;
  }

  /** Makes room for one, until the result is called; throws `limit` where there is none. */
  take(): () => void {
    if (this.#taken >= this.#max)
      throw new CircuitError('limit', `${this.#max} connections are open`, { retryable: true });
    this.#taken++;
    let held = true;
    return () => {
      if (held) this.#taken--;
      held = false;
    };
  }
}
