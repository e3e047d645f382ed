import type { CircuitError } from '@circuit/base';
import type { ChanWaiter } from '@circuit/protocol';
import { Line, LineNode } from './line.js';

/**
 * Where a message stands.
 *
 *     (new) ─receiver waits─▶ matched            accepted('receiver')
 *     (new) ─free place─▶ placed                 accepted('buffer')
 *     (new) ─neither─▶ waiting
 *     waiting ─place falls free─▶ placed         accepted('buffer')
 *     waiting ─receiver comes─▶ matched          accepted('receiver')
 *     placed ─held whole─▶ placed                buffered(): the sender may go
 *     placed ─receiver comes─▶ matched           taken()
 *     matched ─acknowledged─▶ over               acknowledged()
 *     matched ─receiver gone, can be given again─▶ placed | waiting, at its old place   returned(true)
 *     matched ─receiver gone, cannot─▶ over      returned(false)
 *     any ─withdrawn, failed, aborted─▶ over
 */
export type OfferState = 'new' | 'waiting' | 'placed' | 'matched' | 'over';

/** A message on its way through a channel; the driver fills in what happens. No method of it may call `offer` or `take`. */
export abstract class Offer extends LineNode {
  state: OfferState = 'new';
  taker: Taker | undefined;
  /** Had a place in the buffer when it was matched, so that is where it comes back to. */
  fromBuffer = false;
  /** All of it is held, so a place in the buffer makes it safe. */
  whole = false;
  /** Its send is counted as complete: the sender was told that it is buffered. */
  counted = false;
  redelivered = false;
  /** The sender has gone while a receiver has the message: it is nobody's to give again. */
  abandoned = false;
  wasAccepted = false;
  /** Who sends it, since when. */
  abstract readonly waiter: ChanWaiter;
  /** Bytes that the channel holds of it. */
  abstract readonly heldBytes: number;
  /** A receiver or the buffer has it: from now on its bytes may be read. */
  abstract accepted(by: 'buffer' | 'receiver'): void;
  /** It is whole in the buffer: safe. */
  abstract buffered(): void;
  /** A receiver has what the buffer held. */
  abstract taken(): void;
  /** The receiver has it to the end. */
  abstract acknowledged(): void;
  /** Its receiver has gone. */
  abstract returned(again: boolean): void;
  /** The channel is no more. */
  abstract aborted(reason: CircuitError): void;
}

/** One who wants a message. No method of it may call `offer` or `take`. */
export abstract class Taker extends LineNode {
  state: 'new' | 'waiting' | 'matched' | 'over' = 'new';
  offer: Offer | undefined;
  /** Who it is, since when. */
  abstract readonly waiter: ChanWaiter;
  /** Has the message: hand it out. */
  abstract matched(offer: Offer): void;
  /** The acknowledgement is counted. */
  abstract consumed(): void;
  /** The sender has gone before the message was whole. */
  abstract failed(reason: unknown): void;
  /** No message will come any more. */
  abstract closed(): void;
  /** The channel is no more. */
  abstract aborted(reason: CircuitError): void;
}

/**
 * The rules of a channel, without I/O: first come, first served on both sides. Go's semantics, in two phases: a message that
 * was handed out is consumed when its receiver has acknowledged it, and comes back to its old place when the receiver goes.
 */
export class Matcher {
  readonly capacity: number;
  numSend = 0;
  numRecv = 0;
  closed = false;
  aborted = false;
  readonly placed: Line<Offer> = new Line();
  readonly waiting: Line<Offer> = new Line();
  readonly takers: Line<Taker> = new Line();
  /** Messages that a receiver has and has not acknowledged. */
  readonly handedOut: Set<Offer> = new Set();
  #order = 0;

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  /** A new message. Not on a channel that is closed or aborted. */
  offer(offer: Offer): void {
    offer.order = ++this.#order;
    this.#queue(offer);
    this.#pair();
  }

  /** A new receiver. Not on a channel that is aborted. */
  take(taker: Taker): void {
    taker.order = ++this.#order;
    taker.state = 'waiting';
    this.takers.add(taker);
    this.#pair();
    this.#settle();
  }

  /** All of the message is held now. */
  heldWhole(offer: Offer): void {
    offer.whole = true;
    this.#countIfBuffered(offer);
  }

  /** The receiver has acknowledged the end of its message. */
  acknowledge(taker: Taker): void {
    const offer = this.#part(taker);
    if (offer === undefined) return;
    this.numRecv++;
    if (!offer.counted) this.numSend++;
    offer.counted = true;
    offer.state = 'over';
    offer.acknowledged();
    taker.consumed();
    this.#settle();
  }

  /** The receiver has gone, or refuses its message; `again` tells whether the message can be given to another. */
  giveBack(taker: Taker, again: boolean): void {
    const offer = this.#part(taker);
    if (offer === undefined) return;
    if (!again || (offer.abandoned && !offer.counted)) {
      offer.state = 'over';
      offer.returned(false);
    } else {
      offer.redelivered = true;
      offer.returned(true);
      this.#comeBack(offer);
      this.#pair();
    }
    this.#settle();
  }

  /** A receiver that waits goes. */
  leave(taker: Taker): void {
    if (taker.state !== 'waiting') return;
    taker.state = 'over';
    this.takers.remove(taker);
  }

  /** The sender gives up. A message that is whole in the buffer stays, one that a receiver has is abandoned. */
  withdraw(offer: Offer): void {
    if (offer.counted) return;
    if (offer.state === 'matched') offer.abandoned = true;
    else this.#discard(offer);
  }

  /** The rest of the message will not come. */
  fail(offer: Offer, reason: unknown): void {
    if (offer.state !== 'matched') {
      this.#discard(offer);
      return;
    }
    const { taker } = offer;
    if (taker !== undefined) this.#part(taker);
    offer.state = 'over';
    taker?.failed(reason);
    this.#settle();
  }

  /** No message after those that are here; answers whether it was open. */
  close(): boolean {
    if (this.closed) return false;
    this.closed = true;
    this.#settle();
    return true;
  }

  /** Ends everything; all hear `reason`. */
  abort(reason: CircuitError): void {
    this.aborted = true;
    const offers = [...this.placed, ...this.waiting, ...this.handedOut];
    const takers = [...this.takers];
    for (const { taker } of this.handedOut) if (taker !== undefined) takers.push(taker);
    for (const offer of offers) {
      this.placed.remove(offer);
      this.waiting.remove(offer);
      offer.state = 'over';
      offer.taker = undefined;
    }
    this.handedOut.clear();
    for (const taker of takers) {
      this.takers.remove(taker);
      taker.state = 'over';
      taker.offer = undefined;
    }
    for (const offer of offers) offer.aborted(reason);
    for (const taker of takers) taker.aborted(reason);
  }

  #pair(): void {
    for (;;) {
      const taker = this.takers.first;
      const offer = this.#head();
      if (taker === undefined || offer === undefined) break;
      this.takers.remove(taker);
      this.#match(offer, taker);
    }
    this.#fill();
  }

  /** The oldest message that is here. */
  #head(): Offer | undefined {
    const placed = this.placed.first;
    const waiting = this.waiting.first;
    if (placed === undefined || waiting === undefined) return placed ?? waiting;
    return placed.order < waiting.order ? placed : waiting;
  }

  #match(offer: Offer, taker: Taker): void {
    offer.fromBuffer = this.placed.remove(offer);
    this.waiting.remove(offer);
    offer.state = 'matched';
    offer.taker = taker;
    taker.state = 'matched';
    taker.offer = offer;
    this.handedOut.add(offer);
    if (!offer.wasAccepted) {
      offer.wasAccepted = true;
      offer.accepted('receiver');
    } else if (!offer.counted) offer.taken();
    // What `accepted` began may have failed at once.
    if (taker.offer === offer) taker.matched(offer);
  }

  /** Gives free places to those who wait longest. */
  #fill(): void {
    while (this.placed.length < this.capacity) {
      const offer = this.waiting.shift();
      if (offer === undefined) return;
      this.#place(offer);
    }
  }

  #queue(offer: Offer): void {
    // With a receiver waiting it is matched at once and needs no place.
    if (this.takers.length > 0 || this.placed.length >= this.capacity) {
      offer.state = 'waiting';
      this.waiting.add(offer);
    } else this.#place(offer);
  }

  #place(offer: Offer): void {
    offer.state = 'placed';
    this.placed.add(offer);
    if (!offer.wasAccepted) {
      offer.wasAccepted = true;
      offer.accepted('buffer');
    }
    this.#countIfBuffered(offer);
  }

  /** What was in the buffer comes back there, even if its place was given away: it must not be lost. */
  #comeBack(offer: Offer): void {
    if (offer.fromBuffer) this.#place(offer);
    else {
      offer.state = 'waiting';
      this.waiting.add(offer);
    }
  }

  #countIfBuffered(offer: Offer): void {
    if (offer.state !== 'placed' || !offer.whole || offer.counted) return;
    offer.counted = true;
    this.numSend++;
    offer.buffered();
  }

  #discard(offer: Offer): void {
    if (offer.state !== 'placed' && offer.state !== 'waiting') return;
    offer.state = 'over';
    this.waiting.remove(offer);
    if (this.placed.remove(offer)) this.#fill();
    this.#settle();
  }

  /** Ends the bond between a receiver and its message. */
  #part(taker: Taker): Offer | undefined {
    const { offer } = taker;
    if (taker.state !== 'matched' || offer === undefined) return undefined;
    taker.state = 'over';
    taker.offer = undefined;
    offer.taker = undefined;
    this.handedOut.delete(offer);
    return offer;
  }

  /** On a closed channel, once nothing can come back, receivers that wait hear it. */
  #settle(): void {
    if (!this.closed || this.placed.length + this.waiting.length + this.handedOut.size > 0) return;
    for (;;) {
      const taker = this.takers.shift();
      if (taker === undefined) return;
      taker.state = 'over';
      taker.closed();
    }
  }
}
