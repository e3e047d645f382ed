import type { Clock, Timer } from '@circuit/base';

export interface PulseOptions {
  readonly clock: Clock;
  readonly beatMs: number;
  readonly silentBeats: number;
  /** How many bytes have come from the peer; any byte is a sign of life. */
  readonly bytesIn: () => number;
  /** Gives the peer a sign of life. */
  readonly beat: () => void;
  /** Nothing came for so long; called once, and nothing more follows. */
  readonly silent: (silentMs: number) => void;
}

/**
 * Tells a silent peer from a quiet one: both sides say something at each beat. What is counted is beats and not time: a process that
 * stood still itself finds one beat gone, and by the next one what its peers said meanwhile is read.
 */
export class Pulse {
  readonly #options: PulseOptions;
  #timer: Timer | undefined;
  #bytes = -1;
  #quiet = 0;

  constructor(options: PulseOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = this.#options.clock.after(this.#options.beatMs, () => this.#look());
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #look(): void {
    const { beatMs, silentBeats, bytesIn, beat, silent } = this.#options;
    const bytes = bytesIn();
    this.#quiet = bytes === this.#bytes ? this.#quiet + 1 : 0;
    this.#bytes = bytes;
    if (this.#quiet >= silentBeats) {
      silent(this.#quiet * beatMs);
      return;
    }
    this.start();
    beat();
  }
}
