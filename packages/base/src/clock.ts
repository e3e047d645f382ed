/** A pending call of a {@link Clock}. */
export interface Timer {
  /** Drops the call; does nothing when it has run. */
  cancel(): void;
}

/** Time as a parameter: everything that waits takes one, so that tests move time by hand. */
export interface Clock {
  /** Milliseconds on a scale that never goes back; its origin is arbitrary. */
  now(): number;
  /** Milliseconds since the Unix epoch; may jump. */
  wall(): number;
  /** Calls `run` once, `delayMs` from now (at least one turn later). Does not keep a process alive. */
  after(delayMs: number, run: () => void): Timer;
}

interface TimerHandle {
  unref?(): void;
}

declare function setTimeout(run: () => void, delayMs: number): TimerHandle;
declare function clearTimeout(handle: TimerHandle): void;
declare const performance: { now(): number };

/** 24.8 days, the longest that timers of the platform wait: what is to wait longer runs at once. */
export const longestMs = 0x7fffffff;

/** The clock of this machine. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  after(delayMs, run) {
    const handle = setTimeout(run, Math.min(delayMs, longestMs));
    handle.unref?.();
    return { cancel: () => clearTimeout(handle) };
  },
};
