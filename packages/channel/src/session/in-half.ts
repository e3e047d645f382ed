import type { CircuitError } from '@circuit/base';
import { type Demand, rejectAll, resolveAll, turnAwayAll } from '../local/demand.js';
import { Deque } from '../local/deque.js';
import { End, type EndKind, movedError } from '../local/end.js';
import type { EndTap } from '../local/raw.js';
import { reasonError } from '../local/reason-error.js';
import { Waiters } from '../local/waiters.js';
import { maxBodyBytes, maxRefs, messageCost, refCost } from '../wire/frame.js';
import * as frameType from '../wire/frame-type.js';
import { varintLength, writeVarint } from '../wire/varint.js';
import type { Entry } from './entry.js';
import type { Link } from './link.js';
import { writeReason } from './reason.js';

/** However little the sender has left before it gets more credit, the dearest frame must fit, or both sides wait for ever. */
const maxFrameCost = maxBodyBytes + messageCost + maxRefs * refCost;

/**
 * Where the receiving half stands. `ending`: the peer has closed, what it sent is still being taken. `ended`: our last
 * word (DONE or CANCEL) is said, or the session is gone.
 */
type State = 'open' | 'ending' | 'ended';

/**
 * The receiving half of a channel or stream: what messages and bytes have in common.
 *
 *     open ─CLOSE─▶ ending ─everything taken: DONE─▶ ended (over)
 *     open ─ABORT: DONE─▶ ended (over)
 *     open | ending ─cancel(): CANCEL─▶ ended ─CLOSE or ABORT from the peer─▶ over
 */
export abstract class InHalf<Result, Tap extends EndTap, Wait extends Demand<Result> = Demand<Result>> extends End {
  abstract override readonly endKind: EndKind;
  readonly link: Link;
  readonly entry: Entry;
  state: State = 'open';
  /** What a receive fails with once the queue is empty. */
  failure: CircuitError | undefined;
  #waiters: Waiters | undefined;
  /** The peer has said its last word. */
  peerFinal = false;
  /** The holder has given it away. */
  moved = false;
  /** Those who wait for what arrives. */
  protected readonly waiting: Deque<Wait> = new Deque();
  /** A relay that has taken over what arrives. */
  protected tap: Tap | undefined;
  /** Its own receiver has not taken everything: DONE is for that one to say. */
  protected relaying = false;
  /** Nobody has accepted the channel yet: it stays in the table even when the peer has closed it, so that its bound holds. */
  #unaccepted = false;
  /** What the peer may still send. */
  #window: number;
  #consumed = 0;
  /** How far the window may still grow, and what is consumed before credit is given back. */
  #growth: number;
  #grantFrom: number;

  /** `growth`: by so much the window may grow while it is read. */
  constructor(link: Link, entry: Entry, windowBytes: number, growth: number) {
    super();
    this.link = link;
    this.entry = entry;
    this.#window = windowBytes;
    this.#growth = growth;
    this.#grantFrom = Math.min(Math.floor(windowBytes / 2), windowBytes - maxFrameCost);
  }

  get over(): boolean {
    return this.state === 'ended' && this.peerFinal && !this.#unaccepted;
  }

  /** The channel waits to be accepted; our last word about it waits as long. */
  awaitAccept(): void {
    this.#unaccepted = true;
  }

  accepted(): void {
    if (!this.#unaccepted) return;
    this.#unaccepted = false;
    this.sayDoneIfEmpty();
    // Only an ABORT can have ended what nobody held.
    if (this.state === 'ended' && this.failure !== undefined && this.link.refusal === undefined) {
      this.link.writer.begin(frameType.done, this.entry.id);
      this.settle();
    }
  }

  onReadable(run: () => void): () => void {
    this.#waiters ??= new Waiters();
    return this.#waiters.add(run);
  }

  move(): void {
    this.checkHeld();
    this.moved = true;
    turnAwayAll(this.waiting);
    this.notifyReadable();
  }

  cancel(reason?: unknown): void {
    if (!this.moved) this.cancelNow(reasonError(reason, 'cancelled by the receiver'));
  }

  cancelNow(reason: CircuitError): void {
    // What a session that is gone has left is refused as well.
    this.dropQueue(reason);
    if (this.state === 'ended') return;
    this.state = 'ended';
    this.end(reason);
    if (this.entry.announced && this.link.refusal === undefined) {
      writeReason(this.link.writer, frameType.cancel, this.entry.id, reason);
    }
    this.settle();
  }

  /** The entry was just announced: what was held back goes out. */
  announced(): void {
    // Nothing but a cancel can have ended it before.
    if (this.failure !== undefined) writeReason(this.link.writer, frameType.cancel, this.entry.id, this.failure);
  }

  /** CLOSE. */
  peerClosed(): void {
    this.peerFinal = true;
    if (this.state === 'open') {
      this.state = 'ending';
      this.closing();
      this.sayDoneIfEmpty();
    }
    this.settle();
  }

  /** ABORT. */
  peerAborted(reason: CircuitError): void {
    this.peerFinal = true;
    if (this.state !== 'ended') {
      this.state = 'ended';
      if (!this.#unaccepted) this.link.writer.begin(frameType.done, this.entry.id);
      this.dropQueue(reason);
      this.end(reason);
    }
    this.settle();
  }

  /** The session is gone: what has arrived whole can still be taken, then `reason`. */
  fail(reason: CircuitError): void {
    if (this.state === 'ended') return;
    const complete = this.state === 'ending';
    this.state = 'ended';
    if (!complete) this.end(reason);
  }

  /** Charges what arrived; answers with the fault if the peer had no credit for it. */
  protected charge(cost: number): string | undefined {
    this.#window -= cost;
    if (this.#window < 0) return `channel ${this.entry.id}: ${-this.#window} bytes beyond its credit`;
    return undefined;
  }

  /** What a relay got is out of the way: its credit is used up. */
  abstract passed(cost: number): void;

  relay(): void {
    this.relaying = true;
  }

  /** DONE came from the far side of a relay. */
  relayDone(): void {
    this.relaying = false;
    this.sayDoneIfEmpty();
  }

  /** Gives credit back for what was taken. */
  protected grant(cost: number): void {
    this.#consumed += cost;
    if (this.#consumed < this.#grantFrom || this.state !== 'open' || this.link.refusal !== undefined) return;
    const credit = this.#consumed + this.#grow();
    this.#window += credit;
    const at = this.link.writer.begin(frameType.credit, this.entry.id, varintLength(credit));
    writeVarint(this.link.writer.buffer, at, credit);
    this.#consumed = 0;
  }

  /** A channel that is read gets a larger window, so that credit does not stall a fast or distant sender. */
  #grow(): number {
    const growth = Math.min(this.#growth, this.#grantFrom);
    this.#growth -= growth;
    this.#grantFrom += growth >>> 1;
    return growth;
  }

  /** Says DONE once the peer has closed and everything is taken. */
  protected sayDoneIfEmpty(): void {
    if (this.state !== 'ending' || !this.empty || this.#unaccepted || this.relaying) return;
    this.state = 'ended';
    if (this.link.refusal === undefined) this.link.writer.begin(frameType.done, this.entry.id);
    this.settle();
  }

  protected notifyReadable(): void {
    this.#waiters?.notify(() => !this.empty || this.state !== 'open' || this.moved);
  }

  protected checkHeld(): void {
    if (this.moved) throw movedError();
  }

  /** A relay takes over what arrives from here on, and what is queued. */
  attach(tap: Tap): void {
    this.tap = tap;
    this.relaying = true;
    this.passQueue(tap);
    if (this.failure !== undefined) tap.aborted(this.failure);
    else if (this.state !== 'open') tap.closed();
  }

  /** The peer has closed: tells who waits behind an empty queue. */
  protected closing(): void {
    if (this.tap !== undefined) {
      this.tap.closed();
      return;
    }
    resolveAll(this.waiting, this.last);
    this.notifyReadable();
  }

  /** Tells who waits that nothing more comes. */
  protected rejectWaiting(reason: CircuitError): void {
    this.tap?.aborted(reason);
    rejectAll(this.waiting, reason);
  }

  /** What a receive resolves to at the end. */
  protected abstract readonly last: Result;
  /** Whether nothing that arrived waits to be taken. */
  abstract readonly empty: boolean;
  /** Gives what is queued to a relay. */
  protected abstract passQueue(tap: Tap): void;
  /** Drops what arrived and was not taken. */
  protected abstract dropQueue(reason: CircuitError): void;

  protected end(reason: CircuitError): void {
    this.failure ??= reason;
    this.rejectWaiting(reason);
    this.#waiters?.notify();
  }

  protected settle(): void {
    if (this.entry.announced && this.entry.over) this.link.retire(this.entry);
  }
}
