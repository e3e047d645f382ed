import {
  CircuitError,
  type Clock,
  type Deferred,
  deferred,
  systemClock,
  type Timer,
  throwIfAborted,
  type WaitOptions,
} from '@circuit/base';
import type { Codec } from '../codec/codec.js';
import { knownCodec, knownCodecs } from '../codec/known-codecs.js';
import { bornSender, homecomings } from '../home/away-of.js';
import type { Homecomings } from '../home/homecomings.js';
import { type Demand, dequeue, enqueue, rejectAll } from '../local/demand.js';
import { Deque } from '../local/deque.js';
import { Slab } from '../local/slab.js';
import type { Accepted, OpenOptions, PeerInfo, Sender, Session, SessionStats } from '../types.js';
import { messageCost, type RefKind } from '../wire/frame.js';
import { FrameDecoder } from '../wire/frame-decoder.js';
import * as frameType from '../wire/frame-type.js';
import * as refKind from '../wire/ref-kind.js';
import type { Authentication, AuthHost } from './authenticator.js';
import type { Carrier } from './carrier.js';
import { activate } from './data-frame.js';
import { Dispatch, type DispatchTarget } from './dispatch.js';
import { Entry } from './entry.js';
import { encodeHello, type Hello } from './hello.js';
import { heardTail } from './hello-tail.js';
import { InMessage } from './in-message.js';
import { KeepAlive } from './keep-alive.js';
import type { Lane } from './lane.js';
import { resolveLimits, type SessionLimits } from './limits.js';
import type { Link } from './link.js';
import { full } from './misfit.js';
import { checkOpen, type HeldOpen, type OpenFrame, writeOpen } from './open-frame.js';
import type { SessionOptions } from './options.js';
import { SessionPacker } from './packer.js';
import { writeReason } from './reason.js';
import { type Role, Table } from './table.js';
import { Unread } from './unread.js';
import { Writer } from './writer.js';

/** `over` knows the error that ended the session, if any. */
type Phase = 'open' | 'draining' | 'over';

/**
 * The conversation over one carrier.
 *
 *     open ─close()─▶ draining ─all written: GOAWAY, end─▶ (peer ends) ─▶ over
 *     open | draining ─GOAWAY from the peer | carrier lost | fault | abort()─▶ over
 */
export class ChannelSession implements Session, Link, DispatchTarget {
  readonly writer: Writer;
  readonly limits: SessionLimits;
  readonly unread: Unread;
  readonly slab: Slab = new Slab();
  readonly table: Table;
  peer: PeerInfo;
  peerLimits: SessionLimits | undefined;
  refusal: CircuitError | undefined;
  readonly home: Homecomings | undefined;
  /** Until the peer has said that it has one as well nothing is announced. */
  lane: Lane | undefined;
  readonly #carrier: Carrier;
  readonly #clock: Clock;
  readonly #graceMs: number;
  readonly #codecs: Map<string, Codec>;
  readonly #defaultCodec: string;
  readonly #packer: SessionPacker;
  readonly #decoder: FrameDecoder;
  readonly #keepAlive: KeepAlive;
  readonly #accepted = new Deque<Accepted>();
  readonly #awaiting = new Deque<Demand<Accepted>>();
  readonly #finished: Deferred<CircuitError | undefined> = deferred();
  /** Opens from before the peer's HELLO. */
  readonly #held: HeldOpen[] = [];
  #peerCodecs: readonly string[] | undefined;
  /** Present until the peer has proved its key. */
  #auth: Authentication | undefined;
  readonly #authenticates: boolean;
  #ready: Deferred | undefined;
  #phase: Phase = 'open';
  #saidGoodbye = false;
  #closing: Promise<void> | undefined;
  /** Ends a carrier whose peer does not end its side. */
  #linger: Timer | undefined;
  #unsentBytes = 0;
  #bytesIn = 0;

  constructor(carrier: Carrier, role: Role, options: SessionOptions = {}) {
    this.#carrier = carrier;
    this.#clock = options.clock ?? systemClock;
    this.#graceMs = options.graceMs ?? 5000;
    this.limits = resolveLimits(options.limits);
    this.unread = new Unread(this.limits.maxUnreadBytes);
    this.peer = carrier.peer;
    this.lane = carrier.lane;
    this.table = new Table(role);
    this.#codecs = knownCodecs(options.codecs);
    this.#defaultCodec = this.codec(options.codec ?? 'msgpack').name;
    this.writer = new Writer(carrier, (run) => carrier.schedule(run));
    this.#packer = new SessionPacker(this);
    this.#decoder = new FrameDecoder(new Dispatch(this, options.auth?.readHello));
    this.#keepAlive = new KeepAlive(
      this.#clock,
      options.keepAliveMs ?? 5000,
      () => this.writer.begin(frameType.ping, 0),
      (silentMs) => this.#silent(silentMs),
    );
    this.#authenticates = options.auth !== undefined;
    this.#auth = options.auth?.begin(this.#authHost(role));
    // It is known by name from here on, until it ends; one whose authentication cannot begin never ends.
    this.home = homecomings(this.table, options.home);
    const plain = this.#auth?.fault;
    if (plain !== undefined && role === 'dialler') {
      // Not even the identity is for who may listen on such a carrier.
      this.abort(plain);
      return;
    }
    this.#greet();
    carrier.start(
      {
        data: (chunk, owned) => this.#receive(chunk, owned),
        drained: () => this.writer.drained(),
        closed: (reason) => this.#carrierClosed(reason),
      },
      options.busyPollMs,
    );
    if (plain !== undefined) this.refuse(plain);
    else if (!this.#authenticates && this.#phase === 'open') this.#keepAlive.start();
  }

  get closed(): Promise<CircuitError | undefined> {
    return this.#finished.promise;
  }

  get ready(): Promise<void> {
    if (this.#ready === undefined) {
      this.#ready = deferred();
      // Who asked may have lost interest by the time the session fails.
      this.#ready.promise.catch(ignore);
      if (this.#phase === 'over') this.#ready.reject(this.refusal);
      else if (this.#peerCodecs !== undefined) this.#ready.resolve();
    }
    return this.#ready.promise;
  }

  get stats(): SessionStats {
    return {
      channels: this.table.size,
      unaccepted: this.#accepted.length,
      unreadBytes: this.unread.bytes,
      unsentBytes: this.#unsentBytes + this.writer.bufferedBytes,
      bytesIn: this.#bytesIn,
      bytesOut: this.writer.bytesOut,
    };
  }

  get freeChannels(): number {
    return (this.peerLimits?.maxChannels ?? Infinity) - this.table.ownCount - this.#held.length;
  }

  open<T = unknown>(options: OpenOptions = {}): Sender<T> {
    if (this.refusal !== undefined) throw this.refusal;
    const open: OpenFrame = {
      codec: options.codec ?? this.#defaultCodec,
      target: options.target ?? '',
      origin: options.origin ?? nothing,
    };
    checkOpen(open);
    const codec = this.codec(open.codec);
    const refusal = this.#openRefusal(codec.name);
    if (refusal !== undefined) throw refusal;
    const entry = new Entry(refKind.receiver);
    const out = bornSender(this, entry, codec, this.#packer);
    entry.out = out;
    if (this.peerLimits === undefined) this.#held.push({ entry, open });
    else this.#announceOpen(entry, open);
    return out;
  }

  async accept({ signal }: WaitOptions = {}): Promise<Accepted> {
    throwIfAborted(signal);
    const accepted = this.#accepted.shift();
    if (accepted !== undefined) {
      this.unread.addPiece(-openCost(accepted));
      if (accepted.receiver instanceof InMessage) accepted.receiver.accepted();
      return accepted;
    }
    if (this.refusal !== undefined && this.#phase === 'over') throw this.refusal;
    return new Promise((resolve, reject) => enqueue(this.#awaiting, { resolve, reject, release: undefined }, signal));
  }

  close(): Promise<void> {
    this.#closing ??= this.#drain();
    return this.#closing;
  }

  abort(reason: CircuitError = new CircuitError('aborted', 'session aborted')): void {
    if (this.#phase === 'over') return;
    this.#end(reason, reason, true);
    this.#carrier.destroy();
  }

  /** Says goodbye with `said` as the reason and ends with `reason`; for a peer that is not welcome. */
  refuse(reason: CircuitError, said: CircuitError = reason): void {
    if (this.#phase === 'over') return;
    writeReason(this.writer, frameType.goaway, 0, said);
    this.writer.flush();
    this.#end(reason, reason);
    this.#endCarrier();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  codec(name: string): Codec {
    return knownCodec(this.#codecs, name);
  }

  announce(entry: Entry): void {
    this.table.addOwn(entry);
  }

  retire(entry: Entry): void {
    this.table.remove(entry);
  }

  countUnsent(bytes: number): void {
    this.#unsentBytes += bytes;
    if (this.#phase === 'draining' && this.#unsentBytes === 0) this.#carrier.schedule(this.#sayGoodbyeWhenWritten);
  }

  heardHello(hello: Hello): void {
    if (hello.auth !== undefined && !this.#authenticates) {
      this.refuse(
        new CircuitError('denied', `${this.#name}: the other side asks for authentication, this side has no keys`),
      );
      return;
    }
    this.peerLimits = hello.limits;
    this.#peerCodecs = hello.codecs;
    heardTail(this, hello);
    for (const { entry, open } of this.#held.splice(0)) this.#announceOpen(entry, open);
    if (this.#phase === 'draining') this.#carrier.schedule(this.#sayGoodbyeWhenWritten);
    this.#ready?.resolve();
  }

  get lastRefKind(): RefKind {
    return this.lane === undefined ? refKind.duplex : refKind.descriptor;
  }

  enter(kind: RefKind, codec: Codec): Entry {
    return this.#packer.acceptEntry(kind, codec);
  }

  activate(entry: Entry): void {
    activate(this, entry);
  }

  opened(open: OpenFrame, id: number): string | undefined {
    if (this.table.peerCount >= this.limits.maxChannels) return `more than ${this.limits.maxChannels} channels`;
    const codec = this.#codecs.get(open.codec);
    if (codec === undefined) return `OPEN with codec ${open.codec}, known are ${[...this.#codecs.keys()].join(', ')}`;
    const entry = this.#packer.acceptEntry(refKind.receiver, codec);
    const fault = this.table.addPeer(entry, id);
    if (fault !== undefined) return fault;
    const accepted: Accepted = { receiver: entry.in as InMessage, ...open };
    const awaiting = dequeue(this.#awaiting);
    if (awaiting !== undefined) awaiting.resolve(accepted);
    else {
      entry.in?.awaitAccept();
      this.#accepted.push(accepted);
      this.unread.addPiece(openCost(open));
    }
    return undefined;
  }

  pinged(payload: Uint8Array): void {
    if (payload.length > 64) return;
    this.writer.withBody(frameType.pong, 0, 0, payload, false);
  }

  goodbye(reason: CircuitError): void {
    if (this.#phase === 'over') return;
    const orderly = reason.code === 'closed';
    const error = orderly ? new CircuitError('closed', `${this.#name} closed the session`) : reason;
    this.#end(error, orderly ? undefined : error);
    this.#endCarrier();
  }

  get #name(): string {
    return `${this.peer.carrier} ${this.peer.address}`;
  }

  #authHost(role: Role): AuthHost {
    return {
      role,
      peer: this.peer,
      limits: this.limits,
      clock: this.#clock,
      writeMac: (type, mac) => void this.writer.withBody(type, 0, 0, mac, false),
      proved: (identity, bytes) => {
        this.#auth = undefined;
        this.peer = { ...this.peer, identity };
        this.#keepAlive.start();
        for (const chunk of bytes) this.#take(chunk, true);
      },
      refuse: (reason, said) => {
        if (said !== undefined) {
          this.refuse(reason, said);
          return;
        }
        this.#end(reason, reason);
        this.#endCarrier();
      },
    };
  }

  #greet(): void {
    const payload = encodeHello({
      limits: this.limits,
      codecs: [...this.#codecs.keys()],
      auth: this.#auth?.hello,
      lane: this.lane?.token,
      home: this.home?.name,
    });
    this.#auth?.greeted(payload);
    this.writer.withBody(frameType.hello, 0, 0, payload, false);
  }

  #announceOpen(entry: Entry, open: OpenFrame): void {
    if (entry.out?.over ?? true) return;
    const refusal = this.#openRefusal(open.codec);
    if (refusal !== undefined) {
      entry.fail(refusal);
      return;
    }
    this.table.addOwn(entry);
    writeOpen(this.writer, entry.id, open);
    activate(this, entry);
  }

  /** Why the peer would not take one more channel with that codec, by what it has said so far. */
  #openRefusal(codec: string): CircuitError | undefined {
    if (this.#peerCodecs?.includes(codec) === false) {
      return new CircuitError('unsupported', `codec ${codec}: ${this.#name} knows ${this.#peerCodecs.join(', ')}`);
    }
    return this.freeChannels < 1 ? full(this.#name) : undefined;
  }

  #receive(chunk: Uint8Array, owned?: boolean): void {
    if (this.#phase === 'over') return;
    this.#bytesIn += chunk.length;
    if (this.#auth === undefined) this.#take(chunk, owned);
    else this.#auth.receive(chunk);
  }

  #take(chunk: Uint8Array, owned?: boolean): void {
    if (this.#phase === 'over') return;
    // A peer that says no HELLO gives no sign of life.
    if (this.#peerCodecs !== undefined) this.#keepAlive.heard();
    this.writer.receiving = true;
    const taken = this.#decoder.receive(chunk, owned);
    this.writer.receiving = false;
    const fault =
      taken ?? this.unread.fault ?? (this.writer.overflowed ? 'takes nothing that is written to it' : undefined);
    if (fault === undefined) return;
    this.refuse(new CircuitError('protocol', `${this.#name}: ${fault}`));
  }

  #silent(silentMs: number): void {
    if (this.#carrier.silent !== undefined) this.#carrier.silent(silentMs);
    else this.abort(new CircuitError('peer-gone', `${this.#name}: no sign of life for ${silentMs} ms`));
  }

  /** Says that nothing follows; a peer that does not answer in kind within the grace time holds no connection. */
  #endCarrier(): void {
    this.#linger = this.#clock.after(this.#graceMs, () => this.#carrier.destroy());
    this.#carrier.end();
  }

  async #drain(): Promise<void> {
    if (this.#phase === 'over') return;
    this.#phase = 'draining';
    this.refusal = new CircuitError('closed', 'this side closed the session');
    const timer = this.#clock.after(this.#graceMs, () => this.abort(this.refusal));
    this.#carrier.schedule(this.#sayGoodbyeWhenWritten);
    await this.#finished.promise;
    timer.cancel();
  }

  readonly #sayGoodbyeWhenWritten = (): void => {
    if (this.#phase !== 'draining' || this.#saidGoodbye) return;
    if (this.#unsentBytes > 0 || this.#held.length > 0) return;
    this.#saidGoodbye = true;
    writeReason(this.writer, frameType.goaway, 0, new CircuitError('closed', ''));
    this.writer.flush();
    this.#carrier.end();
  };

  #carrierClosed(reason: Error | undefined): void {
    this.#linger?.cancel();
    if (this.#phase === 'over') return;
    if (this.#saidGoodbye) {
      this.#end(this.refusal as CircuitError, undefined);
      return;
    }
    const why = reason === undefined ? 'the connection ended without a goodbye' : reason.message;
    const code = reason instanceof CircuitError ? reason.code : 'peer-gone';
    const error = new CircuitError(code, `${this.#name}: ${why}`, { cause: reason });
    this.#end(error, error);
  }

  /** Everything that is open fails with `reason`; `closed` resolves to `outcome`. */
  #end(reason: CircuitError, outcome: CircuitError | undefined, aborted?: boolean): void {
    this.#phase = 'over';
    this.refusal = reason;
    this.#decoder.stop();
    this.#keepAlive.stop();
    this.#auth?.stop();
    this.lane?.end(reason, aborted);
    this.lane = undefined;
    this.home?.stop();
    this.#ready?.reject(reason);
    this.writer.stop();
    for (const { entry } of this.#held.splice(0)) entry.fail(reason);
    for (const entry of this.table.drain()) entry.fail(reason);
    rejectAll(this.#awaiting, reason);
    this.#finished.resolve(outcome);
  }
}

const nothing = new Uint8Array(0);

/** What a channel costs while nobody has accepted it: of its texts, two bytes a character. */
function openCost({ target, origin }: OpenFrame): number {
  return messageCost + 2 * target.length + origin.length;
}

function ignore(): void {}
