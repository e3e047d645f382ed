/** Pauses that get longer: each is twice as long as the one before, from `firstMs` up to `longestMs`. */
export class Backoff {
  readonly #firstMs: number;
  readonly #longestMs: number;
  #nextMs: number;
  /** When the pause ends, or has ended. */
  untilMs = 0;

  constructor(firstMs: number, longestMs: number) {
    this.#firstMs = firstMs;
    this.#longestMs = longestMs;
    this.#nextMs = firstMs;
  }

  /** Begins a pause. */
  begin(now: number): void {
    this.untilMs = now + this.#nextMs;
    this.#nextMs = Math.min(this.#longestMs, 2 * this.#nextMs);
  }

  /** Ends the pause; the next one is as long all the same. */
  end(): void {
    this.untilMs = 0;
  }

  /** The next pause is half as long. */
  halve(): void {
    this.#nextMs = Math.max(this.#firstMs, this.#nextMs / 2);
  }

  /** The next pause is the shortest. */
  reset(): void {
    this.#nextMs = this.#firstMs;
  }
}
