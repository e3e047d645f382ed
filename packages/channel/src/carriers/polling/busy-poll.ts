import { headerBytes } from '../../wire/frame.js';
import * as frameType from '../../wire/frame-type.js';
import { maxVarintBytes } from '../../wire/varint.js';
import { Backoff } from './backoff.js';
import { type PollingThread, thisThread } from './poll-loop.js';

/** What Linux takes for guests (`guest_halt_poll_ns`). */
export const defaultMs = 0.2;
/** More would be a processor for nothing. */
export const mostMs = 10;

/** What is taken for much, and for a reason to stop. */
interface Policy {
  /** So many bytes at once are much: who writes them has work to do, and of a stream the more is taken at a time the better. */
  readonly muchWritten: number;
  readonly muchArrived: number;
  /** An answer that came too late weighs as much as so many that came in time; none at all until the next write as much as one. */
  readonly lateWeight: number;
  /** A pause ends on trial when it seems to be for nothing. */
  readonly trials: boolean;
}

/** Of a thread that keeps its processor while it waits: what is late may have been kept from it. */
const keeping: Policy = { muchWritten: 1025, muchArrived: 4096, lateWeight: 8, trials: false };
/** Of one whose processor others may have: what is late says that the peer was at work, and many requests and answers are not much. */
const yielding: Policy = { muchWritten: 32_768, muchArrived: 32_768, lateWeight: 2, trials: true };
/** After much at once so many waits are slept: small messages beside a stream, whose sides have work to do. */
const calmWaits = 8;
/** A wait is spent awake for at most so many times the mean. */
const patience = 3;
/** So much more in vain than in time ends polling for a while. */
const mostInVain = 32;
const firstPauseMs = 1;
const longestPauseMs = 1000;
/** After so many short waits in a row that were slept in a pause it ends; twice as many each time, until waits awake are good again. */
const fewestMissed = 32;
const mostMissed = 4096;
/** After so many good ones in a row the next pause is half as long. */
const goodInRow = 100;

/**
 * The waits of one connection for what follows a write: an answer, or the next request. A process that sleeps meanwhile
 * is woken late and with cold caches, which between two processes of one machine is most of a round trip. While waits are
 * short, the next is spent awake, three times as long as they are on average and at most `maxMs`; waits in vain end that for
 * longer and longer. After halt polling (Linux, virt/guest-halt-polling and the haltpoll governor).
 */
export class BusyPoll {
  readonly #maxMs: number;
  readonly #thread: PollingThread | undefined;
  /** When the last write was, or the first of those in a wait awake, while nothing has come since. */
  #wroteMs: number | undefined;
  /** Until when this wait is spent awake. */
  #untilMs: number | undefined;
  /** When something was written or arrived last. */
  #lastMs = 0;
  /** The last wait was short. */
  #near = false;
  /** Waits since something large was written or arrived. */
  #calm = calmWaits;
  #meanMs: number;
  #policy = keeping;
  /** Waits in vain, weighed, less those in time. */
  #vain = 0;
  readonly #pauses = new Backoff(firstPauseMs, longestPauseMs);
  /** Short waits in a row that were slept in a pause, and how many end it. */
  #missed = 0;
  #enoughMissed = fewestMissed;
  #good = 0;

  /** `maxMs`: 0 switches it off; at most 10. */
  constructor(maxMs: number = defaultMs, thread: PollingThread = thisThread) {
    this.#maxMs = Math.min(maxMs, mostMs);
    this.#thread = maxMs > 0 ? thread : undefined;
    this.#meanMs = this.#maxMs;
  }

  /** These `pieces` of `bytes` in all were written at once. */
  wrote(pieces: readonly Uint8Array[], bytes: number): void {
    const thread = this.#thread;
    if (thread === undefined || isDone(pieces[0], bytes)) return;
    const now = thread.now();
    const silentMs = now - this.#lastMs;
    this.#lastMs = now;
    if (this.#untilMs !== undefined && now > this.#untilMs) {
      // Nothing came, and there is more to say all the same: what is said here is not answered, or not yet.
      this.#inVain(now, 1);
      this.#untilMs = undefined;
    }
    this.#policy = thread.yields() ? yielding : keeping;
    if (bytes >= this.#policy.muchWritten) {
      this.#wroteMs = undefined;
      this.#untilMs = undefined;
      this.#calm = 0;
      return;
    }
    // The wait goes on: who says one thing after the other would never see that it is in vain.
    if (this.#untilMs !== undefined) return;
    this.#wroteMs = now;
    // Behind a longer silence the peer sleeps, and to wake it is most of the time that its answer takes.
    if (silentMs > this.#maxMs || !this.#near || this.#calm < calmWaits || now < this.#pauses.untilMs) return;
    const untilMs = now + Math.min(this.#maxMs, patience * this.#meanMs);
    if (thread.keep(untilMs)) this.#untilMs = untilMs;
  }

  /** This arrived at once; called before it is taken, so that what is said in answer begins a wait of its own. */
  arrived(chunk: Uint8Array): void {
    const bytes = chunk.length;
    const much = bytes >= this.#policy.muchArrived;
    if (much) this.#calm = 0;
    if (this.#thread === undefined || isDone(chunk, bytes)) return;
    const now = this.#thread.now();
    this.#lastMs = now;
    if (this.#wroteMs === undefined) return;
    const waitMs = now - this.#wroteMs;
    const untilMs = this.#untilMs;
    this.#wroteMs = undefined;
    this.#untilMs = undefined;
    this.#near = waitMs <= this.#maxMs;
    if (this.#calm < calmWaits && !much) this.#calm++;
    this.#meanMs += (Math.min(waitMs, this.#maxMs) - this.#meanMs) / 8;
    if (untilMs === undefined) this.#slept(now);
    else if (now > untilMs) this.#inVain(now, this.#policy.lateWeight);
    else this.#inTime();
  }

  /**
   * Waits that are slept in a pause and short seem to say that it is for nothing. On trial, for beside a thread that computes
   * a wait that is slept is short, the scheduler wakes its process in front of the other, and one awake is late.
   */
  #slept(now: number): void {
    if (!this.#policy.trials || now >= this.#pauses.untilMs) return;
    this.#missed = this.#near ? this.#missed + 1 : 0;
    if (this.#missed < this.#enoughMissed) return;
    this.#missed = 0;
    this.#enoughMissed = Math.min(mostMissed, 2 * this.#enoughMissed);
    this.#pauses.end();
    this.#vain = mostInVain - this.#policy.lateWeight;
  }

  #inTime(): void {
    if (this.#vain > 0) this.#vain--;
    if (this.#vain === 0) this.#enoughMissed = fewestMissed;
    if (++this.#good < goodInRow) return;
    this.#pauses.halve();
    this.#good = 0;
  }

  #inVain(now: number, weight: number): void {
    this.#good = 0;
    this.#missed = 0;
    this.#vain += weight;
    if (this.#vain < mostInVain) return;
    this.#vain = 0;
    this.#pauses.begin(now);
  }
}

/** A DONE by itself, which is no answer and gets none: it says that a request is over. */
function isDone(chunk: Uint8Array | undefined, bytes: number): boolean {
  return bytes <= headerBytes + maxVarintBytes && chunk?.[0] === frameType.done && chunk[3] === bytes - headerBytes;
}
