import { abortError, CircuitError, onAbort } from '@circuit/base';
import type { Codec } from '../codec/codec.js';
import { Deque } from '../local/deque.js';
import type { Descriptor } from '../local/descriptor.js';
import type { EndKind } from '../local/end.js';
import type { Receiver, Sender, SendOptions } from '../types.js';
import { dataFlag, frameType, maxBodyBytes, messageCost, type RefKind, refCost } from '../wire/frame.js';
import { type OutReference, writeData } from './data-frame.js';
import type { Entry } from './entry.js';
import type { Link } from './link.js';
import { OutHalf } from './out-half.js';

/** Prepares a value for one channel: encodes it and makes an entry for every end in it. */
export interface Packer {
  /** The reference of a descriptor, which is taken over. */
  referDescriptor(descriptor: Descriptor, codec: Codec): OutReference;
  /** An entry that this side is about to announce. */
  makeEntry(kind: RefKind, codec: Codec): Entry;
  pack(value: unknown, codec: Codec, options: PackOptions): Packed;
}

export interface PackOptions {
  readonly returns: boolean;
  readonly returnTo: Sender | undefined;
}

export interface Packed {
  /** Valid until the next packing. */
  readonly body: Uint8Array;
  readonly refs: readonly OutReference[] | undefined;
  /** Whether the first reference is the return channel. */
  readonly ret: boolean;
  readonly receiver: Receiver | undefined;
}

/** A piece that a relay passes on as it came. */
export interface RawPiece {
  readonly flags: number;
  /** Whole length of a message in several pieces, on its first. */
  readonly total: number;
  readonly refs: readonly OutReference[] | undefined;
  readonly first: boolean;
  readonly body: Uint8Array;
  /** To be told when the message is taken, if it asks for that; on its first piece. */
  readonly taken: (() => void) | undefined;
}

interface Queued {
  body: Uint8Array;
  offset: number;
  refs: readonly OutReference[] | undefined;
  flags: number;
  raw: RawPiece | undefined;
  resolve: (() => void) | undefined;
  reject: ((error: CircuitError) => void) | undefined;
  release: (() => void) | undefined;
  signal: AbortSignal | undefined;
}

interface AwaitedAck {
  /** The message's number on this channel. */
  readonly index: number;
  readonly resolve: () => void;
  readonly reject: (error: CircuitError) => void;
  release: (() => void) | undefined;
}

const resolved: Promise<void> = Promise.resolve();

/** The sending half of a channel of messages. */
export class OutMessage extends OutHalf implements Sender {
  readonly endKind: EndKind = 'sender';
  readonly codec: Codec;
  readonly #packer: Packer;
  readonly #queue = new Deque<Queued>();
  #acks: Deque<AwaitedAck> | undefined;
  /** Messages whose first frame was written. */
  #written = 0;
  /** A DROP is owed: the message under way was given up between two of its frames. */
  #dropOwed = false;

  constructor(link: Link, entry: Entry, codec: Codec, packer: Packer) {
    super(link, entry);
    this.codec = codec;
    this.#packer = packer;
  }

  /** Makes entries on this half's session, for who relays into it. */
  get maker(): Packer {
    return this.#packer;
  }

  get written(): number {
    return this.#written;
  }

  send(value: unknown, options: SendOptions & { readonly returns: true }): Promise<Receiver>;
  send(value: unknown, options?: SendOptions): Promise<void>;
  send(value: unknown, options: SendOptions = {}): Promise<unknown> {
    try {
      this.checkHeld();
      return this.sendNow(value, options);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** `send` for who took the end over. */
  sendNow(value: unknown, options: SendOptions): Promise<unknown> {
    const refusal = this.sendRefusal;
    if (refusal !== undefined) return Promise.reject(refusal);
    const { signal } = options;
    if (signal?.aborted) return Promise.reject(abortError(signal));
    if (this.#queue.length >= this.link.limits.maxPendingSends) {
      return Promise.reject(
        new CircuitError(
          'limit',
          `more than ${this.link.limits.maxPendingSends} sends wait on one channel; await them`,
        ),
      );
    }
    const packed = this.#pack(value, options);
    const flags = (packed.ret ? dataFlag.ret : 0) | (options.acknowledged === true ? dataFlag.ack : 0);
    if (this.#canWrite(packed)) {
      this.#writeWhole(packed.body, packed.refs, flags);
      if (options.acknowledged === true) {
        return new Promise<void>((resolve, reject) => this.#awaitAck(resolve, reject, signal)).then(
          () => packed.receiver,
        );
      }
      return packed.receiver === undefined ? resolved : Promise.resolve(packed.receiver);
    }
    return this.#enqueue(packed, flags, signal).then(() => packed.receiver);
  }

  trySend(value: unknown): boolean {
    this.checkHeld();
    const refusal = this.sendRefusal;
    if (refusal !== undefined) throw refusal;
    if (!this.idle || this.credit <= 0 || this.link.writer.saturated || !this.entry.announced) return false;
    const packed = this.#pack(value, {});
    if (this.#canWrite(packed)) this.#writeWhole(packed.body, packed.refs, 0);
    else void this.#enqueue(packed, 0, undefined).catch(ignore);
    return true;
  }

  /** Passes a relayed piece on; `written` runs when the credit of the other side may be given back. */
  forward(piece: RawPiece, written: () => void): void {
    let refusal = this.sendRefusal;
    if (refusal === undefined && piece.first && this.entry.announced) {
      refusal = this.#misfit(piece.total || piece.body.length, piece.refs);
      if (refusal !== undefined) this.abortNow(refusal);
    }
    if (refusal !== undefined) {
      withdraw(piece.refs, refusal);
      written();
      return;
    }
    const cost = pieceCost(piece);
    if (this.idle && this.entry.announced && cost <= this.credit && !this.link.writer.saturated) {
      this.#writeRaw(piece, piece.body);
      written();
      return;
    }
    const body = piece.body.slice();
    this.#enlist({
      body,
      offset: 0,
      refs: piece.refs,
      flags: 0,
      raw: piece,
      resolve: written,
      reject: written,
      release: undefined,
      signal: undefined,
    });
    this.arise();
  }

  /** A relayed message was given up by its sender between two pieces. */
  forwardDrop(): void {
    // The queue may still hold pieces; the DROP goes behind them.
    if (this.idle) {
      if (this.entry.announced && this.state !== 'ended') this.link.writer.bare(frameType.drop, this.entry.id);
      return;
    }
    this.#enlist({
      body: nothing,
      offset: 0,
      refs: undefined,
      flags: 0,
      raw: { flags: -1, total: 0, refs: undefined, first: false, body: nothing, taken: undefined },
      resolve: undefined,
      reject: undefined,
      release: undefined,
      signal: undefined,
    });
    this.arise();
  }

  /** ACK: the receiver has taken `count` messages in all. */
  acknowledged(count: number): void {
    for (let ack = this.#acks?.first(); ack !== undefined && ack.index <= count; ack = this.#acks?.first()) {
      this.#acks?.shift();
      ack.release?.();
      ack.resolve();
    }
  }

  /** Also tells who waits for an ACK that the peer forgot. */
  protected override allTaken(): void {
    this.acknowledged(this.#written);
  }

  protected get idle(): boolean {
    return this.#queue.length === 0 && !this.#dropOwed;
  }

  protected get ready(): boolean {
    if (!this.entry.announced || this.state === 'ended') return false;
    if (this.#dropOwed) return true;
    const next = this.#queue.first();
    return next !== undefined && this.#nextCost(next) <= this.credit;
  }

  protected writeFrame(): boolean {
    if (!this.ready) return false;
    if (this.#dropOwed) {
      this.#dropOwed = false;
      this.link.writer.bare(frameType.drop, this.entry.id);
      return true;
    }
    const next = this.#queue.first() as Queued;
    if (next.offset === 0 && (next.raw?.first ?? true)) {
      const misfit = this.#misfit(next.raw?.total || next.body.length, next.refs);
      if (misfit !== undefined) {
        this.#refuse(next, misfit);
        return true;
      }
    }
    if (next.raw !== undefined) {
      this.#queue.shift();
      this.#uncount(next);
      if (next.raw.flags < 0) this.link.writer.bare(frameType.drop, this.entry.id);
      else this.#writeRaw(next.raw, next.body);
      next.resolve?.();
    } else if (next.offset === 0 && next.body.length <= maxBodyBytes) {
      this.#finish(next);
      this.#writeWhole(next.body, next.refs, next.flags);
      this.#settleWritten(next);
    } else this.#writePiece(next);
    if (this.#queue.length === 0) this.notifyWritable();
    return true;
  }

  protected dropQueue(reason: CircuitError, refused: boolean): void {
    this.#dropOwed = false;
    for (const queued of this.#queue.drain()) {
      queued.release?.();
      this.#uncount(queued);
      if (queued.offset === 0) withdraw(queued.refs, reason);
      queued.reject?.(reason);
    }
    for (const ack of this.#acks?.drain() ?? []) {
      ack.release?.();
      ack.reject(refused ? refusedUntaken(reason) : unknownOutcome(reason));
    }
  }

  /** Why the peer would end the session over a message, now that it has said what it takes. */
  #misfit(bytes: number, refs: readonly OutReference[] | undefined): CircuitError | undefined {
    const limit = this.link.peerLimits?.maxMessageBytes ?? Infinity;
    if (bytes > limit) return tooLarge(bytes, limit);
    return refs !== undefined && refs.length > this.link.freeChannels ? tableFull() : undefined;
  }

  #pack(value: unknown, options: SendOptions): Packed {
    const packed = this.#packer.pack(value, this.codec, {
      returns: options.returns === true,
      returnTo: options.returnTo,
    });
    const limit = Math.min(this.link.limits.maxMessageBytes, this.link.peerLimits?.maxMessageBytes ?? Infinity);
    if (packed.body.length > limit) {
      const error = tooLarge(packed.body.length, limit);
      withdraw(packed.refs, error);
      throw error;
    }
    if (packed.refs !== undefined && packed.refs.length > this.link.freeChannels) {
      const error = tableFull();
      withdraw(packed.refs, error);
      throw error;
    }
    return packed;
  }

  #canWrite(packed: Packed): boolean {
    return (
      this.idle &&
      this.entry.announced &&
      packed.body.length <= maxBodyBytes &&
      packed.body.length + messageCost + (packed.refs?.length ?? 0) * refCost <= this.credit &&
      !this.link.writer.saturated
    );
  }

  #enqueue(packed: Packed, flags: number, signal: AbortSignal | undefined): Promise<void> {
    const body = packed.body.slice();
    return new Promise<void>((resolve, reject) => {
      const queued: Queued = {
        body,
        offset: 0,
        refs: packed.refs,
        flags,
        raw: undefined,
        resolve,
        reject,
        release: undefined,
        signal,
      };
      if (signal !== undefined) queued.release = onAbort(signal, () => this.#giveUp(queued, abortError(signal)));
      this.#enlist(queued);
      this.arise();
    });
  }

  #giveUp(queued: Queued, reason: CircuitError): void {
    if (!this.#queue.remove(queued)) return;
    this.#uncount(queued);
    if (queued.offset > 0) this.#dropOwed = true;
    else withdraw(queued.refs, reason);
    queued.reject?.(reason);
    this.arise();
    this.closeIfIdle();
  }

  #finish(queued: Queued): void {
    this.#queue.shift();
    queued.release?.();
    this.#uncount(queued);
  }

  /** Counts what waits of a message; a message without a body waits too, and a session that closes has to write it. */
  #enlist(queued: Queued): void {
    this.#queue.push(queued);
    this.link.countUnsent(queued.body.length + messageCost);
  }

  #uncount(queued: Queued): void {
    this.link.countUnsent(queued.offset - queued.body.length - messageCost);
  }

  /** The peer does not take a message that had to wait: it fails; a relayed one ends the channel. */
  #refuse(queued: Queued, reason: CircuitError): void {
    if (queued.raw !== undefined) {
      this.abortNow(reason);
      return;
    }
    this.#finish(queued);
    withdraw(queued.refs, reason);
    queued.reject?.(reason);
  }

  #nextCost(queued: Queued): number {
    if (queued.raw !== undefined) return queued.raw.flags < 0 ? 0 : pieceCost(queued.raw);
    const front = queued.offset === 0 ? messageCost + (queued.refs?.length ?? 0) * refCost : 0;
    return front + Math.min(queued.body.length - queued.offset, maxBodyBytes);
  }

  #writeWhole(body: Uint8Array, refs: readonly OutReference[] | undefined, flags: number): void {
    this.credit -= body.length + messageCost + (refs?.length ?? 0) * refCost;
    this.#written++;
    writeData(this.link, this.entry.id, flags, 0, refs, body, false);
  }

  #writePiece(queued: Queued): void {
    const first = queued.offset === 0;
    const cost = this.#nextCost(queued);
    const total = queued.body.length;
    const piece = queued.body.subarray(queued.offset, queued.offset + maxBodyBytes);
    const last = queued.offset + piece.length === total;
    this.credit -= cost;
    if (first) this.#written++;
    const flags = (first ? queued.flags : 0) | (last ? 0 : dataFlag.more);
    if (last) this.#finish(queued);
    else {
      queued.offset += piece.length;
      this.link.countUnsent(-piece.length);
    }
    writeData(this.link, this.entry.id, flags, first ? total : 0, first ? queued.refs : undefined, piece, true);
    if (last) this.#settleWritten(queued);
  }

  /** A message is written whole: its send is over, or waits for the receiver from now on. */
  #settleWritten({ flags, resolve, reject, signal }: Queued): void {
    if ((flags & dataFlag.ack) === 0) resolve?.();
    else this.#awaitAck(resolve ?? ignore, reject ?? ignore, signal);
  }

  #writeRaw(piece: RawPiece, body: Uint8Array): void {
    this.credit -= pieceCost(piece);
    if (piece.first) this.#written++;
    if (piece.taken !== undefined) this.#awaitAck(piece.taken, ignore, undefined);
    writeData(this.link, this.entry.id, piece.flags & ~dataFlag.refs, piece.total, piece.refs, body, false);
  }

  /** Calls `resolve` when the receiver has taken the message written last. */
  #awaitAck(resolve: () => void, reject: (error: CircuitError) => void, signal: AbortSignal | undefined): void {
    const ack: AwaitedAck = { index: this.#written, resolve, reject, release: undefined };
    this.#acks ??= new Deque();
    this.#acks.push(ack);
    if (signal === undefined) return;
    ack.release = onAbort(signal, () => {
      if (this.#acks?.remove(ack) !== true) return;
      reject(new CircuitError('outcome-unknown', 'given up after the message was written, before it was acknowledged'));
    });
  }
}

/** The ends of a message that never left: whoever holds the other end hears `undelivered`. */
export function withdraw(refs: readonly OutReference[] | undefined, reason: CircuitError): void {
  for (const ref of refs ?? []) ref.entry.fail(undelivered(reason));
}

/** A relay that lost its way onward cancels as well, and then the far side may have taken the message. */
function refusedUntaken(reason: CircuitError): CircuitError {
  return reason.code === 'peer-gone' || reason.code === 'closed' ? unknownOutcome(reason) : reason;
}

function unknownOutcome(reason: CircuitError): CircuitError {
  return new CircuitError('outcome-unknown', reason.message, { cause: reason });
}

function tooLarge(bytes: number, limit: number): CircuitError {
  return new CircuitError('limit', `message of ${bytes} bytes, the limit is ${limit}`);
}

function tableFull(): CircuitError {
  return new CircuitError('limit', 'the peer takes no more channels', { retryable: true });
}

function undelivered(reason: CircuitError): CircuitError {
  return new CircuitError('undelivered', `the message that carried this end was not delivered: ${reason.message}`, {
    cause: reason,
  });
}

function pieceCost(piece: RawPiece): number {
  return piece.body.length + (piece.first ? messageCost + (piece.refs?.length ?? 0) * refCost : 0);
}

const nothing = new Uint8Array(0);

function ignore(): void {}
