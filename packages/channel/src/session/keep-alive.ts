import type { Clock, Timer } from '@circuit/base';

/**
 * Asks a silent peer for a sign of life and gives it up at the end of the third interval without one: between two and three intervals
 * after the last sign, for the first of the three may have been under way.
 */
export class KeepAlive {
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #ping: () => void;
  readonly #lost: (silentMs: number) => void;
  #timer: Timer | undefined;
  #silent = 0;

  constructor(clock: Clock, intervalMs: number, ping: () => void, lost: (silentMs: number) => void) {
    this.#clock = clock;
    this.#intervalMs = intervalMs;
    this.#ping = ping;
    this.#lost = lost;
  }

  start(): void {
    if (this.#intervalMs > 0) this.#timer = this.#clock.after(this.#intervalMs, this.#tick);
  }

  /** Something arrived. */
  heard(): void {
    this.#silent = 0;
  }

  stop(): void {
    this.#timer?.cancel();
  }

  readonly #tick = (): void => {
    this.#silent++;
    this.start();
    if (this.#silent > 2) {
      this.#silent = 0;
      this.#lost(3 * this.#intervalMs);
      return;
    }
    this.#ping();
  };
}
