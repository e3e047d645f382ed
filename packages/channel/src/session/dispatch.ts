import type { CircuitError } from '@circuit/base';
import type { Codec } from '../codec/codec.js';
import type { Homecomings } from '../home/homecomings.js';
import * as dataFlag from '../wire/data-flag.js';
import { firstIgnorableType, maxRefs, type RefKind, resumeType } from '../wire/frame.js';
import type { FrameSink } from '../wire/frame-decoder.js';
import * as frameType from '../wire/frame-type.js';
import * as refKind from '../wire/ref-kind.js';
import type { ByteCursor } from '../wire/varint.js';
import type { Entry } from './entry.js';
import { decodeHello, type Hello, type ReadAuth } from './hello.js';
import { InBytes } from './in-bytes.js';
import { InMessage } from './in-message.js';
import type { SessionLimits } from './limits.js';
import { type OpenFrame, readOpen } from './open-frame.js';
import { OutMessage } from './out-message.js';
import { readReason } from './reason.js';
import type { Table } from './table.js';

/** What the dispatch of frames needs of its session. */
export interface DispatchTarget {
  readonly table: Table;
  readonly limits: SessionLimits;
  /** Hears and tells of ends that come home; `undefined` in a page. */
  readonly home: Homecomings | undefined;
  /** The last kind of reference that the peer may announce. */
  readonly lastRefKind: RefKind;
  /** HELLO, once. */
  heardHello(hello: Hello): void;
  /** Makes the halves of an entry that the peer announced. */
  enter(kind: RefKind, codec: Codec): Entry;
  /** Gives a fresh entry its credit. */
  activate(entry: Entry): void;
  /** OPEN; answers with the fault. */
  opened(open: OpenFrame, id: number): string | undefined;
  /** PING. */
  pinged(payload: Uint8Array): void;
  /** GOAWAY. */
  goodbye(reason: CircuitError): void;
}

/** Takes the peer's frames to the halves they are for. Whatever does not fit is answered with the reason, which ends the session. */
export class Dispatch implements FrameSink {
  readonly #target: DispatchTarget;
  readonly #readAuth: ReadAuth | undefined;
  #greeted = false;

  constructor(target: DispatchTarget, readAuth: ReadAuth | undefined) {
    this.#target = target;
    this.#readAuth = readAuth;
  }

  frame(type: number, id: number, payload: ByteCursor): string | undefined {
    if (!this.#greeted) return this.#hello(type, payload);
    switch (type) {
      case frameType.data:
        return this.#data(id, payload);
      case frameType.open:
        return this.#open(id, payload);
      case frameType.hello:
        return 'a second HELLO';
      case frameType.ping:
        this.#target.pinged(payload.rest());
        return undefined;
      case frameType.pong:
        return undefined;
      case frameType.home:
        return this.#target.home?.named(id, payload);
      case frameType.goaway: {
        const reason = readReason(payload);
        if (reason === undefined) return 'malformed GOAWAY';
        this.#target.goodbye(reason);
        return undefined;
      }
      default:
        return this.#forEntry(type, id, payload);
    }
  }

  bytes(id: number, piece: Uint8Array, owned: boolean): string | undefined {
    if (!this.#greeted) return 'BYTES before HELLO';
    const entry = this.#target.table.get(id);
    if (entry === undefined) return this.#late(id, 'BYTES');
    return entry.in instanceof InBytes ? entry.in.bytes(piece, owned) : `BYTES on channel ${id}, which takes none`;
  }

  #hello(type: number, payload: ByteCursor): string | undefined {
    if (type === resumeType) return 'RESUME: this listener does not resume sessions; dial without resume';
    if (type !== frameType.hello) return `frame type ${type} before HELLO`;
    const hello = decodeHello(payload, this.#target.limits, this.#readAuth);
    if (typeof hello === 'string') return hello;
    this.#greeted = true;
    this.#target.heardHello(hello);
    return undefined;
  }

  #open(id: number, payload: ByteCursor): string | undefined {
    const open = readOpen(payload);
    return open === undefined ? 'malformed OPEN' : this.#target.opened(open, id);
  }

  #data(id: number, payload: ByteCursor): string | undefined {
    const entry = this.#target.table.get(id);
    const half = entry?.in instanceof InMessage ? entry.in : undefined;
    if (entry !== undefined && half === undefined) return `DATA on channel ${id}, which takes none`;
    const flags = payload.byte();
    const more = (flags & dataFlag.more) !== 0;
    // The whole length stands in front of the first of several pieces; later pieces carry neither it nor references.
    const later = half?.midMessage ?? false;
    const total = more && !later ? payload.varint() : 0;
    let refs: Entry[] | undefined;
    if ((flags & dataFlag.refs) !== 0) {
      if (later) return `channel ${id}: references in a later piece`;
      const read = this.#refs(payload, half);
      if (typeof read === 'string') return read;
      refs = read;
    }
    if (!payload.ok()) return `malformed DATA on channel ${id}`;
    if ((flags & dataFlag.ret) !== 0 && !later && refs?.[0]?.kind !== refKind.sender) {
      return `DATA on channel ${id}: the return channel is missing`;
    }
    if (half === undefined) return this.#late(id, 'DATA');
    return half.data({ flags, total, refs, body: payload.rest() });
  }

  /** Enters the references of a message. For a channel that is gone there is nobody to hold them: `half` is `undefined`. */
  #refs(payload: ByteCursor, half: InMessage | undefined): Entry[] | string {
    const count = payload.varint();
    if (!payload.ok() || count === 0 || count > maxRefs)
      return `DATA with ${count} references, the limit is ${maxRefs}`;
    if (half === undefined) return 'DATA with references on a channel that is gone';
    const refs: Entry[] = [];
    for (let i = 0; i < count; i++) {
      const kind = payload.byte();
      const id = payload.varint();
      if (!payload.ok() || kind < refKind.sender || kind > this.#target.lastRefKind)
        return 'DATA with a malformed reference';
      const { table, limits } = this.#target;
      if (table.peerCount >= limits.maxChannels) return `more than ${limits.maxChannels} channels`;
      const entry = this.#target.enter(kind as RefKind, half.codec);
      const fault = table.addPeer(entry, id);
      if (fault !== undefined) return fault;
      refs.push(entry);
    }
    const fault = this.#target.home?.announced(refs);
    if (fault !== undefined) return fault;
    for (const entry of refs) this.#target.activate(entry);
    return refs;
  }

  #forEntry(type: number, id: number, payload: ByteCursor): string | undefined {
    if (type > frameType.goaway || type === 0) {
      return type >= firstIgnorableType ? undefined : `unknown frame type ${type}`;
    }
    const entry = this.#target.table.get(id);
    if (entry === undefined) return this.#late(id, `frame type ${type}`);
    const { out, in: input } = entry;
    switch (type) {
      case frameType.credit: {
        const bytes = payload.varint();
        if (!payload.ok() || bytes === 0) return 'malformed CREDIT';
        if (out === undefined) break;
        out.granted(bytes);
        return undefined;
      }
      case frameType.close:
        if (input === undefined) break;
        input.peerClosed();
        return undefined;
      case frameType.abort: {
        const reason = readReason(payload);
        if (reason === undefined) return 'malformed ABORT';
        if (input === undefined) break;
        input.peerAborted(reason);
        return undefined;
      }
      case frameType.cancel: {
        const reason = readReason(payload);
        if (reason === undefined) return 'malformed CANCEL';
        if (out === undefined) break;
        out.cancelled(reason);
        return undefined;
      }
      case frameType.done:
        if (out === undefined) break;
        return out.done();
      case frameType.drop:
        if (!(input instanceof InMessage)) break;
        return input.dropped();
      case frameType.ack: {
        const count = payload.varint();
        if (!payload.ok()) return 'malformed ACK';
        if (!(out instanceof OutMessage)) break;
        if (count > out.written) return `ACK of ${count} messages on channel ${id}, ${out.written} were sent`;
        out.acknowledged(count);
        return undefined;
      }
    }
    return `frame type ${type} does not fit the direction of channel ${id}`;
  }

  /** A frame for an id that is not in the table: dropped if the id was there once, fatal if it was never announced. */
  #late(id: number, what: string): string | undefined {
    return this.#target.table.wasKnown(id) ? undefined : `${what} for channel ${id}, which was never announced`;
  }
}
