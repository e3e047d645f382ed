import { abortError, CircuitError, toCircuitError } from '@circuit/base';
import type { Codec } from '../codec/codec.js';
import { type Demand, dequeue, enqueue } from '../local/demand.js';
import { Deque } from '../local/deque.js';
import { type EndKind, movedError } from '../local/end.js';
import { iterateMessages } from '../local/iterate.js';
import type { EndTap, Passed } from '../local/raw.js';
import { keepQueued, type Slab, type SlabHolder } from '../local/slab.js';
import { swallow } from '../local/swallow.js';
import { undelivered } from '../local/undelivered.js';
import type { ReceiveOptions, ReceiveResult, Receiver, Sender } from '../types.js';
import * as dataFlag from '../wire/data-flag.js';
import { messageCost, refCost } from '../wire/frame.js';
import * as frameType from '../wire/frame-type.js';
import { varintLength, writeVarint } from '../wire/varint.js';
import { type Assembly, startAssembly } from './assembly.js';
import type { Entry } from './entry.js';
import { follow } from './follow.js';
import { InHalf } from './in-half.js';
import type { Link } from './link.js';
import { OutMessage } from './out-message.js';
import type { Unpacker } from './unpacker.js';

/** A piece of a message as it came in one DATA frame. */
export interface InPiece {
  readonly flags: number;
  /** Length of the whole message on the first of several pieces, else 0. */
  readonly total: number;
  readonly refs: readonly Entry[] | undefined;
  /** A view into what the carrier delivered. */
  readonly body: Uint8Array;
}

/** What a relay does with what arrives. */
export interface InTap extends EndTap {
  piece(piece: InPiece, first: boolean, cost: number): void;
  dropped(): void;
}

interface Arrived {
  readonly body: Uint8Array;
  readonly refs: readonly Entry[] | undefined;
  readonly flags: number;
  readonly cost: number;
  /** Credit that was given back for it already, so that all of it could come in. */
  readonly granted: number;
}

/** A receive that waits. */
export interface Waiting extends Demand<ReceiveResult> {
  readonly returns: boolean;
}

const ended = { done: true } as const;
const resolvedEnd: Promise<ReceiveResult> = Promise.resolve(ended);

/** The receiving half of a channel of messages. */
export class InMessage extends InHalf<ReceiveResult, InTap, Waiting> implements Receiver, SlabHolder {
  readonly endKind: EndKind = 'receiver';
  readonly codec: Codec;
  readonly #unpacker: Unpacker;
  readonly #queue = new Deque<Arrived>();
  slab: Slab | undefined;
  #assembly: Assembly | undefined;
  /** In the middle of a message whose pieces a relay passes on. */
  #passing = false;
  /** How much of that message is still to come. */
  #left = 0;
  /** Messages that left the queue, or were given up by their sender. */
  #taken = 0;

  constructor(link: Link, entry: Entry, codec: Codec, unpacker: Unpacker) {
    super(link, entry, link.limits.windowBytes, link.limits.windowBytes * 3);
    this.codec = codec;
    this.#unpacker = unpacker;
  }

  /** Whether the next DATA goes on with a message that has begun. */
  get midMessage(): boolean {
    return this.#passing || this.#assembly !== undefined;
  }

  get taken(): number {
    return this.#taken;
  }

  receive(options: ReceiveOptions = {}): Promise<ReceiveResult> {
    return this.moved ? Promise.reject(movedError()) : this.receiveNow(options);
  }

  /** `receive` for who took the end over. */
  receiveNow(options: ReceiveOptions): Promise<ReceiveResult> {
    const { signal } = options;
    if (signal?.aborted) return Promise.reject(abortError(signal));
    try {
      const result = this.tryReceiveNow(options.returns !== false);
      if (result !== undefined) return result.done ? resolvedEnd : Promise.resolve(result);
    } catch (error) {
      return Promise.reject(error);
    }
    return new Promise((resolve, reject) => {
      const waiting: Waiting = { returns: options.returns !== false, resolve, reject, release: undefined };
      enqueue(this.waiting, waiting, signal);
    });
  }

  tryReceive(options: { readonly returns?: boolean } = {}): ReceiveResult | undefined {
    this.checkHeld();
    return this.tryReceiveNow(options.returns !== false);
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<unknown> {
    return iterateMessages(this);
  }

  tryReceiveNow(returns: boolean): ReceiveResult | undefined {
    const arrived = this.#queue.shift();
    if (arrived !== undefined) return this.#take(arrived, returns);
    if (this.failure !== undefined) throw this.failure;
    return this.state === 'open' ? undefined : ended;
  }

  protected passQueue(tap: InTap): void {
    for (const { flags, refs, body, cost, granted } of this.#queue.drain()) {
      this.grant(-granted);
      tap.piece({ flags, total: 0, refs, body }, true, cost);
    }
    if (this.#assembly !== undefined) this.#passAssembled(this.#assembly, tap);
  }

  /** DATA. */
  data(piece: InPiece): string | undefined {
    const first = this.#assembly === undefined && !this.#passing;
    const cost = piece.body.length + (first ? messageCost + (piece.refs?.length ?? 0) * refCost : 0);
    const fault = this.charge(cost);
    if (fault !== undefined) return fault;
    if (this.peerFinal) return `DATA on channel ${this.entry.id} behind its end`;
    const more = (piece.flags & dataFlag.more) !== 0;
    if (this.state === 'ended') {
      this.#passing = more;
      refuse(piece.refs, this.failure);
      return undefined;
    }
    const whole = more ? piece.total : piece.body.length;
    if (first && whole > this.link.limits.maxMessageBytes) {
      return `channel ${this.entry.id}: message of ${whole} bytes, the limit is ${this.link.limits.maxMessageBytes}`;
    }
    if (this.tap !== undefined) {
      const left = follow(piece, first, first ? whole : this.#left);
      if (typeof left === 'string') return `channel ${this.entry.id}: ${left}`;
      this.#left = left;
      this.#passing = more;
      this.link.unread.addPiece(cost);
      this.tap.piece(piece, first, cost);
      return undefined;
    }
    if (this.#assembly !== undefined) return this.#continue(this.#assembly, piece, cost);
    if (more) return this.#begin(piece, cost);
    this.link.unread.addPiece(cost);
    this.#arrive({ body: this.#keep(piece.body), refs: piece.refs, flags: piece.flags, cost, granted: 0 });
    return undefined;
  }

  passed(cost: number): void {
    this.link.unread.addPiece(-cost);
    this.grant(cost);
  }

  /** DROP: the message under way was given up. */
  dropped(): string | undefined {
    if (this.#passing) {
      this.#passing = false;
      this.tap?.dropped();
      this.#taken++;
      return undefined;
    }
    const assembly = this.#assembly;
    if (assembly === undefined) return this.state === 'ended' ? undefined : 'DROP outside of a message';
    this.#assembly = undefined;
    this.link.unread.addPiece(-assembly.cost);
    this.#taken++;
    if (assembly.refs) refuse(assembly.refs, new CircuitError('undelivered', 'the message was given up by its sender'));
    this.grant(assembly.cost - assembly.granted);
    return undefined;
  }

  /** Tells the sender that `count` messages in all are taken. */
  acknowledge(count: number): void {
    if (this.link.refusal !== undefined || this.over) return;
    const at = this.link.writer.begin(frameType.ack, this.entry.id, varintLength(count));
    writeVarint(this.link.writer.buffer, at, count);
  }

  get empty(): boolean {
    return this.#queue.length === 0;
  }

  protected override get last(): ReceiveResult {
    return ended;
  }

  protected override closing(): void {
    // A message cut off by its own sender's CLOSE never was one.
    if (this.#assembly !== undefined) this.dropped();
    super.closing();
  }

  protected dropQueue(reason: CircuitError): void {
    for (const arrived of this.#queue.drain()) {
      this.link.unread.addPiece(-arrived.cost);
      refuse(arrived.refs, reason);
    }
    if (this.#assembly !== undefined) {
      this.link.unread.addPiece(-this.#assembly.cost);
      refuse(this.#assembly.refs, reason);
      this.#assembly = undefined;
      this.#passing = true;
    }
  }

  #begin(piece: InPiece, cost: number): string | undefined {
    if (piece.total <= piece.body.length) return `channel ${this.entry.id}: message of ${piece.total} bytes goes on`;
    this.#assembly = startAssembly(piece, cost);
    this.link.unread.addPiece(cost);
    this.#grantHead(this.#assembly);
    return undefined;
  }

  #continue(assembly: Assembly, piece: InPiece, cost: number): string | undefined {
    const got = assembly.got + piece.body.length;
    const last = (piece.flags & dataFlag.more) === 0;
    if (got > assembly.total || (last && got !== assembly.total)) {
      return `channel ${this.entry.id}: message announced with ${assembly.total} bytes has ${got}`;
    }
    assembly.append(piece.body);
    assembly.cost += cost;
    this.link.unread.add(cost);
    if (!last) {
      this.#grantHead(assembly);
      return undefined;
    }
    this.#assembly = undefined;
    this.#arrive(assembly);
    return undefined;
  }

  /** A message larger than the window must be able to come in whole: at the head of the queue its pieces give credit back. */
  #grantHead(assembly: Assembly): void {
    if (this.#queue.length > 0) return;
    this.grant(assembly.cost - assembly.granted);
    assembly.granted = assembly.cost;
  }

  #keep(body: Uint8Array): Uint8Array {
    if (this.waiting.length > 0) return this.link.slab.keep(body);
    return keepQueued(this, this.#queue.length, body);
  }

  #arrive(arrived: Arrived): void {
    const waiting = dequeue(this.waiting);
    if (waiting === undefined) {
      this.#queue.push(arrived);
      this.notifyReadable();
      return;
    }
    try {
      waiting.resolve(this.#take(arrived, waiting.returns));
    } catch (error) {
      waiting.reject(error as CircuitError);
    }
  }

  #take(arrived: Arrived, returns: boolean): Passed {
    this.link.unread.addPiece(-arrived.cost);
    const count = ++this.#taken;
    this.grant(arrived.cost - arrived.granted);
    if (this.#assembly !== undefined) this.#grantHead(this.#assembly);
    const value = this.#decode(arrived);
    const asked = (arrived.flags & dataFlag.ack) !== 0;
    if (asked && !this.relaying) this.acknowledge(count);
    const ret = this.#returnOf(arrived, returns);
    this.sayDoneIfEmpty();
    if (!asked || !this.relaying) return { done: false, value, ret };
    // What is refused in the end is so for all that follows: the channel is cancelled, which says it.
    return { done: false, value, ret, settle: (error) => error ?? this.acknowledge(count) };
  }

  #returnOf(arrived: Arrived, returns: boolean): Sender {
    const entry = (arrived.flags & dataFlag.ret) === 0 ? undefined : arrived.refs?.[0];
    if (!(entry?.out instanceof OutMessage)) return swallow;
    if (returns) return (entry.away?.bringNow(entry) as Sender | undefined) ?? entry.out;
    entry.out.close();
    return swallow;
  }

  #decode(arrived: Arrived): unknown {
    try {
      return this.#unpacker.unpack(this.codec, arrived.body, arrived.refs, (arrived.flags & dataFlag.ret) !== 0);
    } catch (cause) {
      const error = new CircuitError('protocol', `malformed message: ${toCircuitError(cause).message}`, { cause });
      refuse(arrived.refs, error);
      this.cancelNow(error);
      throw error;
    }
  }

  #passAssembled(assembly: Assembly, tap: InTap): void {
    this.#assembly = undefined;
    this.#passing = true;
    this.#left = assembly.total - assembly.got;
    const { refs, flags, total, body, cost, granted } = assembly;
    this.grant(-granted);
    tap.piece({ flags: flags | dataFlag.more, total, refs, body }, true, cost);
  }
}

function refuse(refs: readonly Entry[] | undefined, reason: CircuitError | undefined): void {
  if (refs === undefined) return;
  const error = undelivered(reason);
  for (const entry of refs) entry.refuse(error);
}
