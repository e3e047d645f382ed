import { copyBelowBytes, headerBytes, maxLength } from './frame.js';
import * as frameType from './frame-type.js';
import { ByteCursor, maxVarintBytes } from './varint.js';
import { view } from './view.js';

/** Who is told of decoded frames. Each call may answer with the reason why the peer broke the protocol. */
export interface FrameSink {
  /** A whole frame that is no BYTES; the cursor stands at the payload, and it and what it stands in are valid during the call. */
  frame(type: number, id: number, payload: ByteCursor): string | undefined;
  /** A piece of a BYTES frame; `owned`: it may be kept as it is, else it is valid during the call. */
  bytes(id: number, piece: Uint8Array, owned: boolean): string | undefined;
}

/**
 * Cuts what arrives into frames. Bytes of streams are handed on as they arrive, everything else when it is whole.
 *
 *     header ─▶ whole frame ─▶ header          (all types but BYTES)
 *     header ─▶ id ─▶ pieces … ─▶ header       (BYTES)
 *
 * Holds at most one frame, as a copy. After a fault it takes nothing more.
 */
export class FrameDecoder {
  readonly #sink: FrameSink;
  /** One for all frames: there are too many of them for one each. */
  readonly #cursor = new ByteCursor(nothing, 0, 0);
  #held: Uint8Array = new Uint8Array(256);
  #have = 0;
  #streamId = 0;
  #streamLeft = 0;
  #stopped = false;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  /** Ignores everything from here on. */
  stop(): void {
    this.#stopped = true;
  }

  /** Takes what arrived, `owned`: memory of which views may be kept; answers with the reason of the first fault. */
  receive(chunk: Uint8Array, owned = false): string | undefined {
    const fault = this.#receive(chunk, owned);
    // What the cursor stood in is not held on to.
    this.#cursor.reset(nothing, 0, 0);
    return fault;
  }

  #receive(chunk: Uint8Array, owned: boolean): string | undefined {
    let at = 0;
    const end = chunk.length;
    while (at < end && !this.#stopped) {
      if (this.#streamLeft > 0) {
        const take = Math.min(this.#streamLeft, end - at);
        this.#streamLeft -= take;
        const fault = this.#sink.bytes(this.#streamId, view(chunk, at, at + take), owned && take >= copyBelowBytes);
        if (fault !== undefined) return this.#fault(fault);
        at += take;
        continue;
      }
      if (this.#have > 0) {
        const taken = this.#fill(chunk, at);
        if (typeof taken === 'string') return this.#fault(taken);
        at += taken;
        continue;
      }
      const need = end - at < headerBytes ? headerBytes : this.#need(chunk, at);
      if (need < 0) return this.#fault(tooLong(chunk, at));
      if (end - at < need) {
        this.#hold(chunk, at, need);
        return undefined;
      }
      const next = this.#take(chunk, at);
      if (typeof next === 'string') return this.#fault(next);
      at = next;
    }
    return undefined;
  }

  /** How many bytes from `at` must be here before the frame there can be taken; −1 if it is too long. */
  #need(bytes: Uint8Array, at: number): number {
    const length = lengthAt(bytes, at);
    if (length > maxLength) return -1;
    return headerBytes + (bytes[at] === frameType.bytes ? Math.min(length, maxVarintBytes) : length);
  }

  /** Takes the frame at `at`, of which `#need` bytes are here; answers with the offset behind what was taken, or a fault. */
  #take(bytes: Uint8Array, at: number): number | string {
    const type = bytes[at] as number;
    const length = lengthAt(bytes, at);
    const start = at + headerBytes;
    const end = start + length;
    const cursor = this.#cursor;
    cursor.reset(bytes, start, Math.min(end, bytes.length));
    const id = cursor.varint();
    if (!cursor.ok()) return `frame type ${type}: malformed channel id`;
    if (type !== frameType.bytes) return this.#sink.frame(type, id, cursor) ?? end;
    this.#streamId = id;
    this.#streamLeft = end - cursor.offset;
    return cursor.offset;
  }

  #hold(chunk: Uint8Array, at: number, need: number): void {
    if (this.#held.length < need) this.#held = new Uint8Array(Math.max(need, this.#held.length * 2));
    this.#held.set(chunk.subarray(at), 0);
    this.#have = chunk.length - at;
  }

  /** Adds to the held frame from `chunk`; takes it when it is whole. Answers with the bytes used, or a fault. */
  #fill(chunk: Uint8Array, at: number): number | string {
    const need = this.#have < headerBytes ? headerBytes : this.#need(this.#held, 0);
    if (need < 0) return tooLong(this.#held, 0);
    if (this.#held.length < need) {
      const larger = new Uint8Array(need);
      larger.set(this.#held.subarray(0, this.#have));
      this.#held = larger;
    }
    const used = Math.min(need - this.#have, chunk.length - at);
    this.#held.set(chunk.subarray(at, at + used), this.#have);
    this.#have += used;
    if (this.#have < headerBytes) return used;
    const whole = this.#need(this.#held, 0);
    if (whole < 0) return tooLong(this.#held, 0);
    if (this.#have < whole) return used;
    const held = this.#held.subarray(0, this.#have);
    this.#held = new Uint8Array(256);
    this.#have = 0;
    const next = this.#take(held, 0);
    if (typeof next === 'string') return next;
    if (next < held.length) {
      // The first bytes of a stream came along with the id.
      const piece = held.subarray(next);
      this.#streamLeft -= piece.length;
      const fault = this.#sink.bytes(this.#streamId, piece, false);
      if (fault !== undefined) return fault;
    }
    return used;
  }

  #fault(reason: string): string {
    this.#stopped = true;
    return reason;
  }
}

const nothing = new Uint8Array(0);

function lengthAt(bytes: Uint8Array, at: number): number {
  return ((bytes[at + 1] as number) << 16) | ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number);
}

function tooLong(bytes: Uint8Array, at: number): string {
  return `frame type ${bytes[at]}: ${lengthAt(bytes, at)} bytes, the limit is ${maxLength}`;
}
