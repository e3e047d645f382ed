import { abortError, CircuitError, onAbort, throwIfAborted } from '@circuit/base';
import type { Codec } from '../codec/codec.js';
import { abandonAnswers, failSend } from '../local/abandon.js';
import { Deque } from '../local/deque.js';
import { type EndKind, movedError } from '../local/end.js';
import type { RawSendOptions } from '../local/raw.js';
import { resolved } from '../local/resolved.js';
import { keepQueued, type Slab, type SlabHolder } from '../local/slab.js';
import type { Receiver, Sender, SendOptions } from '../types.js';
import * as dataFlag from '../wire/data-flag.js';
import { maxBodyBytes, messageCost } from '../wire/frame.js';
import * as frameType from '../wire/frame-type.js';
import { Acks } from './acks.js';
import { frontCost } from './cost.js';
import { writeData } from './data-frame.js';
import type { Entry } from './entry.js';
import type { Link } from './link.js';
import { misfit } from './misfit.js';
import { OutHalf } from './out-half.js';
import { type Packed, type Packer, withdraw } from './packed.js';
import { nextCost, type Queued, queuedPiece } from './queued.js';
import { dropMark, type PieceSource, pieceCost, type RawPiece } from './raw-piece.js';

/** The sending half of a channel of messages. */
export class OutMessage extends OutHalf implements Sender, SlabHolder {
  readonly endKind: EndKind = 'sender';
  readonly codec: Codec;
  readonly #packer: Packer;
  readonly #queue = new Deque<Queued>();
  slab: Slab | undefined;
  #acks: Acks | undefined;
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

  send<A = unknown>(value: unknown, options: SendOptions & { readonly returns: true }): Promise<Receiver<A>>;
  send(value: unknown, options?: SendOptions & { readonly returns?: false | undefined }): Promise<void>;
  send(value: unknown, options: SendOptions = {}): Promise<unknown> {
    return this.moved ? failSend(movedError(), value, options) : this.sendNow(value, options);
  }

  /** `send` for who took the end over. */
  sendNow(value: unknown, options: RawSendOptions): Promise<unknown> {
    try {
      this.#checkSend(options.signal);
      return this.#sendPacked(this.#pack(value, options), options);
    } catch (error) {
      return failSend(error, value, options);
    }
  }

  /** Throws what a send fails with now. */
  #checkSend(signal?: AbortSignal): void {
    if (this.sendRefusal !== undefined) throw this.sendRefusal;
    throwIfAborted(signal);
    const { maxPendingSends } = this.link.limits;
    if (this.#queue.length >= maxPendingSends)
      throw new CircuitError('limit', `more than ${maxPendingSends} sends wait on one channel; await them`);
  }

  #sendPacked(packed: Packed, options: RawSendOptions): Promise<unknown> {
    const { signal } = options;
    const flags = (packed.ret ? dataFlag.ret : 0) | (options.acknowledged === true ? dataFlag.ack : 0);
    if (this.#canWrite(packed) && this.#mayAsk(flags)) {
      this.#writeWhole(packed, flags);
      if (options.acknowledged === true) {
        options.handedOn?.();
        return answered(new Promise((resolve, reject) => this.#awaitAck(resolve, reject, signal)), packed);
      }
      return packed.receiver === undefined ? resolved : Promise.resolve(packed.receiver);
    }
    return answered(this.#enqueue(packed, flags, options), packed);
  }

  trySend(value: unknown): boolean {
    try {
      this.checkHeld();
      if (this.sendRefusal !== undefined) throw this.sendRefusal;
      if (!this.#mayWrite(1)) return false;
      // Nobody else hears of one that had to wait and is refused then: without it an end would be no clean one.
      this.#sendPacked(this.#pack(value, {}), {}).catch((reason: unknown) => this.abortNow(reason as CircuitError));
      return true;
    } catch (error) {
      failSend(error, value, {}).catch(ignore);
      throw error;
    }
  }

  /** Passes a relayed piece on; `from` hears when the `cost` of it may be given back. */
  forward(piece: RawPiece, from: PieceSource, cost: number): void {
    let refusal = this.sendRefusal;
    if (refusal === undefined && piece.first && this.entry.announced) {
      refusal = misfit(this.link, piece.total || piece.body.length, piece.refs);
      if (refusal !== undefined) this.abortNow(refusal);
    }
    if (refusal !== undefined) {
      withdraw(piece.refs, refusal);
      from.passed(cost);
      return;
    }
    if (this.#mayWrite(pieceCost(piece)) && this.#mayAsk(piece.flags)) {
      this.#writeRaw(piece, piece.body);
      from.passed(cost);
      return;
    }
    const body = keepQueued(this, this.#queue.length, piece.body);
    this.#enlist(queuedPiece(piece, body, () => from.passed(cost)));
  }

  /** A relayed message was given up by its sender between two pieces. */
  forwardDrop(): void {
    // The queue may still hold pieces; the DROP goes behind them.
    if (this.idle) {
      if (this.entry.announced && this.state !== 'ended') this.#sayDrop();
      return;
    }
    this.#enlist(queuedPiece(dropMark, dropMark.body, ignore));
  }

  /** ACK: the receiver has taken `count` messages in all. */
  acknowledged(count: number): void {
    this.#acks?.taken(count);
    this.arise();
  }

  /** Also tells who waits for an ACK that the peer forgot. */
  protected override allTaken(): void {
    this.#acks?.taken(this.#written);
  }

  protected get idle(): boolean {
    return this.#queue.length === 0 && !this.#dropOwed;
  }

  protected get ready(): boolean {
    if (!this.entry.announced || this.state === 'ended') return false;
    if (this.#dropOwed) return true;
    const next = this.#queue.first();
    return next !== undefined && nextCost(next) <= this.credit && this.#mayAsk(next.flags);
  }

  /** Whether one more message may ask for its acknowledgement: credit bounds what waits to be taken, but a peer may take and not say so. */
  #mayAsk(flags: number): boolean {
    return (flags & dataFlag.ack) === 0 || (this.#acks?.size ?? 0) < this.link.limits.maxPendingSends;
  }

  protected writeFrame(): boolean {
    if (!this.ready) return false;
    if (this.#dropOwed) {
      this.#dropOwed = false;
      this.#sayDrop();
      return true;
    }
    const next = this.#queue.first() as Queued;
    if (next.offset === 0 && (next.raw?.first ?? true)) {
      const refusal = misfit(this.link, next.raw?.total || next.body.length, next.refs);
      if (refusal !== undefined) {
        this.#refuse(next, refusal);
        return true;
      }
    }
    if (next.raw !== undefined) {
      this.#queue.shift();
      this.#uncount(next);
      if (next.raw === dropMark) this.#sayDrop();
      else this.#writeRaw(next.raw, next.body);
      next.resolve();
    } else if (next.offset === 0 && next.body.length <= maxBodyBytes) {
      this.#finish(next);
      this.#writeWhole(next, next.flags);
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
      queued.reject(reason);
    }
    this.#acks?.fail(reason, refused);
  }

  #pack(value: unknown, options: SendOptions): Packed {
    const packed = this.#packer.pack(value, this.codec, {
      returns: options.returns === true,
      returnTo: options.returnTo,
    });
    const refusal = misfit(this.link, packed.body.length, packed.refs, this.link.limits.maxMessageBytes);
    if (refusal !== undefined) {
      withdraw(packed.refs, refusal);
      throw refusal;
    }
    return packed;
  }

  #canWrite(packed: Packed): boolean {
    return packed.body.length <= maxBodyBytes && this.#mayWrite(packed.body.length + frontCost(packed.refs));
  }

  /** Whether a frame that costs `cost` of the credit may be written now. */
  #mayWrite(cost: number): boolean {
    return this.idle && this.entry.announced && cost <= this.credit && !this.link.writer.saturated;
  }

  #enqueue(packed: Packed, flags: number, { signal, handedOn }: RawSendOptions): Promise<void> {
    const body = keepQueued(this, this.#queue.length, packed.body);
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
        handedOn,
      };
      if (signal !== undefined) queued.release = onAbort(signal, () => this.#giveUp(queued, abortError(signal)));
      this.#enlist(queued);
    });
  }

  #giveUp(queued: Queued, reason: CircuitError): void {
    if (!this.#queue.remove(queued)) return;
    this.#uncount(queued);
    if (queued.offset > 0) this.#dropOwed = true;
    else withdraw(queued.refs, reason);
    queued.reject(reason);
    this.arise();
    this.closeIfIdle();
  }

  #finish(queued: Queued): void {
    this.#queue.shift();
    queued.release?.();
    this.#uncount(queued);
  }

  /** Queues and counts what waits of a message; a message without a body waits too, and a session that closes has to write it. */
  #enlist(queued: Queued): void {
    this.#queue.push(queued);
    this.link.countUnsent(queued.body.length + messageCost);
    this.arise();
  }

  #uncount(queued: Queued): void {
    this.link.countUnsent(queued.offset - queued.body.length - messageCost);
  }

  /** The peer does not take a message that had to wait: it fails; a relayed one ends the channel, and so does one with a close behind it. */
  #refuse(queued: Queued, reason: CircuitError): void {
    if (queued.raw !== undefined || this.state !== 'open') {
      this.abortNow(reason);
      return;
    }
    this.#finish(queued);
    withdraw(queued.refs, reason);
    queued.reject(reason);
  }

  #writeWhole({ body, refs }: Packed | Queued, flags: number): void {
    this.credit -= body.length + frontCost(refs);
    this.#written++;
    writeData(this.link, this.entry.id, flags, 0, refs, body, false);
  }

  #writePiece(queued: Queued): void {
    const first = queued.offset === 0;
    const total = queued.body.length;
    const piece = queued.body.subarray(queued.offset, queued.offset + maxBodyBytes);
    const last = queued.offset + piece.length === total;
    this.credit -= nextCost(queued);
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
  #settleWritten({ flags, resolve, reject, signal, handedOn }: Queued): void {
    if ((flags & dataFlag.ack) === 0) {
      resolve();
      return;
    }
    handedOn?.();
    this.#awaitAck(resolve, reject, signal);
  }

  #sayDrop(): void {
    this.link.writer.begin(frameType.drop, this.entry.id);
  }

  #writeRaw(piece: RawPiece, body: Uint8Array): void {
    this.credit -= pieceCost(piece);
    if (piece.first) this.#written++;
    if (piece.taken !== undefined) this.#awaitAck(piece.taken, piece.taken, undefined);
    writeData(this.link, this.entry.id, piece.flags & ~dataFlag.refs, piece.total, piece.refs, body, false);
  }

  /** Calls `resolve` when the receiver has taken the message written last. */
  #awaitAck(resolve: () => void, reject: (error: CircuitError) => void, signal: AbortSignal | undefined): void {
    this.#acks ??= new Acks();
    this.#acks.await(this.#written, resolve, reject, signal);
  }
}

/** The return channel once the message is sent. One that failed behind its first frame is not withdrawn: nobody will hold its answers. */
function answered(sent: Promise<void>, { receiver }: Packed): Promise<Receiver | undefined> {
  return sent.then(
    () => receiver,
    (error: unknown) => {
      abandonAnswers(receiver, error);
      throw error;
    },
  );
}

function ignore(): void {}
