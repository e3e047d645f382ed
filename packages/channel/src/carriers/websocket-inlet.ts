import {
  finBit,
  headerBytesOf,
  maskBit,
  maxHeaderBytes,
  opcode,
  opcodeBits,
  payloadBytesOf,
  reservedBits,
  type WebSocketSide,
} from './websocket-frame.js';
import { applyMask } from './websocket-mask.js';
import { maxWebSocketMessageBytes } from './websocket-options.js';

/** Where an inlet's bytes go. */
export interface InletSink {
  /** A piece of a binary message, unmasked; a view into what `receive` was given. */
  bytes(piece: Uint8Array): void;
  /** Bytes of frames that `ws` is to judge and answer. */
  library(bytes: Uint8Array): void;
}

/**
 * Takes the whole binary messages out of what a WebSocket's connection delivers, piece by piece as they arrive. Everything else goes to `ws`
 * as it came: control frames, text, messages in fragments and all that breaks the rules.
 *
 *     header ─ whole binary message ─▶ ours ─▶ header
 *     header ─ anything else ────────▶ theirs ─▶ header
 *
 * `ws` alone would gather every message before it tells of it, copy it and unmask it byte by byte.
 */
export class WebSocketInlet {
  readonly #sink: InletSink;
  /** A server's peer masks, a client's does not. */
  readonly #maskBit: number;
  readonly #header = new Uint8Array(maxHeaderBytes);
  #have = 0;
  #left = 0;
  #ours = false;
  /** Where the payload stands that is under way. */
  #phase = 0;
  #mask: Uint8Array | undefined;
  #fragmented = false;
  #closing = false;
  #stopped = false;

  constructor(side: WebSocketSide, sink: InletSink) {
    this.#sink = sink;
    this.#maskBit = side === 'server' ? maskBit : 0;
  }

  /** Ignores everything from here on. */
  stop(): void {
    this.#stopped = true;
  }

  /** Takes what arrived; it is changed where it was masked. */
  receive(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length && !this.#stopped) {
      at = this.#left > 0 ? this.#payload(chunk, at) : this.#headerAt(chunk, at);
      // Nothing follows the peer's close.
      if (this.#closing && this.#left === 0) this.#stopped = true;
    }
  }

  #payload(chunk: Uint8Array, from: number): number {
    const to = Math.min(chunk.length, from + this.#left);
    const piece = chunk.subarray(from, to);
    this.#left -= piece.length;
    if (!this.#ours) {
      this.#sink.library(piece);
      return to;
    }
    if (this.#mask !== undefined) applyMask(piece, this.#mask, this.#phase);
    this.#phase += piece.length;
    this.#sink.bytes(piece);
    return to;
  }

  #headerAt(chunk: Uint8Array, from: number): number {
    let at = from;
    const header = this.#header;
    while (at < chunk.length && (this.#have < 2 || this.#have < headerBytesOf(header[1] as number)))
      header[this.#have++] = chunk[at++] as number;
    if (this.#have < 2) return at;
    const length = headerBytesOf(header[1] as number);
    if (this.#have < length) return at;
    this.#have = 0;
    this.#begin(header.subarray(0, length));
    return at;
  }

  #begin(header: Uint8Array): void {
    const [first, second] = [header[0] as number, header[1] as number];
    const code = first & opcodeBits;
    this.#left = payloadBytesOf(header);
    this.#ours =
      !this.#fragmented &&
      (first & (finBit | reservedBits)) === finBit &&
      code === opcode.binary &&
      (second & maskBit) === this.#maskBit &&
      this.#left <= maxWebSocketMessageBytes;
    if (this.#ours) {
      this.#phase = 0;
      this.#mask = this.#maskBit === 0 ? undefined : header.slice(-4);
      return;
    }
    this.#closing = code === opcode.close;
    if (code < opcode.leastControl) this.#fragmented = (first & finBit) === 0;
    this.#sink.library(header.slice());
  }
}
