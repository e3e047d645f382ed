import { loadNative } from '../../native/native.js';
import { Backoff } from './backoff.js';

/** Asked for once: on Node's global object it is behind a getter. */
const clock = performance;
/** A thread that writes less often in all its life, in sessions that may poll, does not load the native part for that. */
export const fewWrites = 32;
/** Who has the processor for so long does not answer somebody and sleep, but computes: it keeps it for the scheduler's slice. */
const sliceMs = 1;
/** So much more may be lost to such processes than a tenth of the time before there is a pause. */
export const mostLostMs = 8;
const lostPart = 0.1;
export const firstPauseMs = 50;
export const longestPauseMs = 1000;

/** A thread that can stay awake while it waits. */
export interface PollingThread {
  now(): number;
  /** Keeps the event loop turning, at least until then, instead of asleep until something comes; `false` if not. */
  keep(untilMs: number): boolean;
  /** Whether whoever else wants the processor may have it meanwhile. Asked once for each write. */
  yields(): boolean;
}

/**
 * The event loop of this thread. Everything else in it has its turn between two rounds, and where the native part is, so may other
 * processes. One that computes takes a slice of the scheduler each time, which is longer than what waits awake save: when more
 * than a tenth of the time is lost so there is a pause, twice as long each time.
 */
class PollLoop implements PollingThread {
  #untilMs = 0;
  #on = false;
  #writes = 0;
  #yield: (() => void) | undefined;
  #lostMs = 0;
  /** Up to when what was lost has been set off against the time that went by. */
  #settledMs = 0;
  readonly #pauses = new Backoff(firstPauseMs, longestPauseMs);

  now(): number {
    return clock.now();
  }

  keep(untilMs: number): boolean {
    if (untilMs < this.#pauses.untilMs) return false;
    if (untilMs > this.#untilMs) this.#untilMs = untilMs;
    if (this.#on) return true;
    this.#on = true;
    setImmediate(this.#round);
    return true;
  }

  yields(): boolean {
    if (this.#writes < fewWrites && ++this.#writes === fewWrites) this.#yield = loadNative().native?.yieldProcessor;
    return this.#yield !== undefined;
  }

  readonly #round = (): void => {
    const now = clock.now();
    if (now >= this.#untilMs) {
      this.#on = false;
      return;
    }
    if (this.#yield !== undefined) {
      this.#yield();
      const back = clock.now();
      if (back - now >= sliceMs) this.#lost(back, back - now);
    }
    setImmediate(this.#round);
  };

  #lost(now: number, ms: number): void {
    this.#lostMs = Math.max(0, this.#lostMs - lostPart * (now - this.#settledMs));
    this.#settledMs = now;
    if (this.#lostMs === 0) this.#pauses.reset();
    this.#lostMs += ms;
    if (this.#lostMs < mostLostMs) return;
    // On trial behind the pause: one slice more and it goes on.
    this.#lostMs = mostLostMs - sliceMs;
    this.#untilMs = 0;
    this.#pauses.begin(now);
    this.#settledMs = this.#pauses.untilMs;
  }
}

export const thisThread: PollingThread = new PollLoop();
