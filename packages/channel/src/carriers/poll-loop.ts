import { loadNative } from '../native/native.js';

/** Asked for once: on Node's global object it is behind a getter. */
const clock = performance;
/** A thread that writes less often in all its life, in sessions that may poll, does not load the native part for it. */
const fewWrites = 32;

/** A thread that can stay awake while it waits. */
export interface PollingThread {
  now(): number;
  /** Keeps the event loop turning, at least until then, instead of asleep until something comes. */
  keep(untilMs: number): void;
  /** Whether whoever else wants the processor may have it meanwhile. Asked once for each write. */
  yields(): boolean;
}

/** The event loop of this thread. Everything else in it has its turn between two rounds, and where the native part is, so may other processes. */
class PollLoop implements PollingThread {
  #untilMs = 0;
  #on = false;
  #writes = 0;
  #yield: (() => void) | undefined;

  now(): number {
    return clock.now();
  }

  keep(untilMs: number): void {
    if (untilMs > this.#untilMs) this.#untilMs = untilMs;
    if (this.#on) return;
    this.#on = true;
    setImmediate(this.#round);
  }

  yields(): boolean {
    if (this.#writes < fewWrites && ++this.#writes === fewWrites) this.#yield = loadNative().native?.yieldProcessor;
    return this.#yield !== undefined;
  }

  readonly #round = (): void => {
    if (clock.now() >= this.#untilMs) {
      this.#on = false;
      return;
    }
    this.#yield?.();
    setImmediate(this.#round);
  };
}

export const thisThread: PollingThread | undefined = new PollLoop();
