import { frameType, headerBytes } from '../wire/frame.js';
import { maxVarintBytes } from '../wire/varint.js';

declare function setImmediate(run: () => void): unknown;

/** What Linux takes for guests (`guest_halt_poll_ns`). */
const defaultMs = 0.2;
/** More would be a processor for nothing. */
const mostMs = 10;
/** A write of at most so much asks or answers; who writes more has work to do meanwhile. */
const smallBytes = 1024;
/** So much at once is part of a stream, of which the more is taken at a time the better. */
const bulkBytes = 4096;
/** After much at once so many waits are slept: small messages beside a stream, whose sides have work to do. */
const calmWaits = 8;
/** A wait is spent awake for at most so many times the mean. */
const patience = 3;
/** An answer that came too late weighs as much as so many that came in time, none at all until the next write as much as one. */
const lateWeight = 8;
/** So much more in vain than in time ends polling for a while. */
const mostInVain = 32;
const firstPauseMs = 1;
const longestPauseMs = 1000;
/** After so many good ones in a row the next pause is half as long. */
const goodInRow = 100;

/** Keeps the event loop of this thread turning, at least until a time, instead of asleep until something comes. */
class PollLoop {
  #untilMs = 0;
  #on = false;

  readonly keep = (untilMs: number): void => {
    if (untilMs > this.#untilMs) this.#untilMs = untilMs;
    if (this.#on) return;
    this.#on = true;
    setImmediate(this.#round);
  };

  /** Everything else has its turn between two rounds. */
  readonly #round = (): void => {
    if (performance.now() < this.#untilMs) setImmediate(this.#round);
    else this.#on = false;
  };
}

/** What a test puts in place of this thread. */
export interface PollingThread {
  now(): number;
  /** Stays awake until then. */
  keep(untilMs: number): void;
}

const thisThread: PollingThread | undefined =
  typeof setImmediate === 'function' ? { now: () => performance.now(), keep: new PollLoop().keep } : undefined;

/**
 * The waits of one connection for what follows a small write: an answer, or the next request. A process that sleeps meanwhile
 * is woken late and with cold caches, which between two processes of one machine is most of a round trip. While waits are
 * short, the next is spent awake, three times as long as they are on average and at most `maxMs`; waits in vain end that for
 * longer and longer. After halt polling (Linux, virt/guest-halt-polling and the haltpoll governor).
 */
export class BusyPoll {
  readonly #maxMs: number;
  readonly #thread: PollingThread | undefined;
  /** When the last small write was, while nothing has come since. */
  #wroteMs: number | undefined;
  /** Until when this wait is spent awake. */
  #untilMs: number | undefined;
  /** The last wait was short. */
  #near = false;
  /** Waits since something large was written or arrived. */
  #calm = calmWaits;
  #meanMs: number;
  /** Waits in vain, weighed, less those in time. */
  #vain = 0;
  #pausedUntilMs = 0;
  #pauseMs = firstPauseMs;
  #good = 0;

  /** `maxMs`: 0 switches it off; at most 10. */
  constructor(maxMs: number = defaultMs, thread: PollingThread | undefined = thisThread) {
    this.#maxMs = Math.min(maxMs, mostMs);
    this.#thread = maxMs > 0 ? thread : undefined;
    this.#meanMs = this.#maxMs;
  }

  /** These `pieces` of `bytes` in all were written at once. */
  wrote(pieces: readonly Uint8Array[], bytes: number): void {
    const thread = this.#thread;
    if (thread === undefined || isDone(pieces[0], bytes)) return;
    const now = thread.now();
    // Nothing came, and there is more to say all the same: what is said here is not answered, or not yet.
    if (this.#untilMs !== undefined && now > this.#untilMs) this.#inVain(now, 1);
    this.#untilMs = undefined;
    if (bytes > smallBytes) {
      this.#wroteMs = undefined;
      this.#calm = 0;
      return;
    }
    this.#wroteMs = now;
    if (!this.#near || this.#calm < calmWaits || now < this.#pausedUntilMs) return;
    this.#untilMs = now + Math.min(this.#maxMs, patience * this.#meanMs);
    thread.keep(this.#untilMs);
  }

  /** This arrived at once; called before it is taken, so that what is said in answer begins a wait of its own. */
  arrived(chunk: Uint8Array): void {
    const bytes = chunk.length;
    if (bytes >= bulkBytes) this.#calm = 0;
    if (this.#wroteMs === undefined || this.#thread === undefined || isDone(chunk, bytes)) return;
    const now = this.#thread.now();
    const waitMs = now - this.#wroteMs;
    this.#wroteMs = undefined;
    this.#near = waitMs <= this.#maxMs;
    if (this.#calm < calmWaits && bytes < bulkBytes) this.#calm++;
    this.#meanMs += (Math.min(waitMs, this.#maxMs) - this.#meanMs) / 8;
    if (this.#untilMs === undefined) return;
    if (now > this.#untilMs) this.#inVain(now, lateWeight);
    else this.#inTime();
  }

  #inTime(): void {
    if (this.#vain > 0) this.#vain--;
    if (this.#pauseMs === firstPauseMs || ++this.#good < goodInRow) return;
    this.#pauseMs /= 2;
    this.#good = 0;
  }

  #inVain(now: number, weight: number): void {
    this.#good = 0;
    this.#vain += weight;
    if (this.#vain < mostInVain) return;
    this.#vain = 0;
    this.#pausedUntilMs = now + this.#pauseMs;
    this.#pauseMs = Math.min(longestPauseMs, 2 * this.#pauseMs);
  }
}

/** A DONE by itself, which is no answer and gets none: it says that a request is over. */
function isDone(chunk: Uint8Array | undefined, bytes: number): boolean {
  return bytes <= headerBytes + maxVarintBytes && chunk?.[0] === frameType.done && chunk[3] === bytes - headerBytes;
}
