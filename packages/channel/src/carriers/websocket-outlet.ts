import { randomFillSync } from 'node:crypto';
import { maxHeaderBytes, type WebSocketSide, writeHeader } from './websocket-frame.js';
import { applyMask } from './websocket-mask.js';

/** A message is at most this long: a masked one is a copy, whose memory is used again while it is small. */
const maxMessageBytes = 131_072;
const maskBytes = 4;
/** So many masks are drawn at once. */
const masksDrawn = 64;

/** Puts the pieces of one write into binary messages, masked as a client has to (RFC 6455, 5.3). */
export class WebSocketOutlet {
  readonly #side: WebSocketSide;
  readonly #masks: Uint8Array;
  #nextMask = 0;

  constructor(side: WebSocketSide) {
    this.#side = side;
    this.#masks = new Uint8Array(side === 'server' ? 0 : masksDrawn * maskBytes);
  }

  /** What is to be written for `pieces`, which have so many `bytes` in all and are not changed. */
  frame(pieces: readonly Uint8Array[], bytes: number): Uint8Array[] {
    const framed: Uint8Array[] = [];
    let batch: Uint8Array[] = [];
    let room = Math.min(maxMessageBytes, bytes);
    let left = bytes;
    for (const piece of pieces) {
      let from = 0;
      while (from < piece.length) {
        const part = piece.subarray(from, from + room);
        from += part.length;
        room -= part.length;
        batch.push(part);
        if (room > 0) continue;
        const size = Math.min(maxMessageBytes, left);
        this.#message(batch, size, framed);
        batch = [];
        left -= size;
        room = Math.min(maxMessageBytes, left);
      }
    }
    return framed;
  }

  #message(parts: readonly Uint8Array[], bytes: number, framed: Uint8Array[]): void {
    if (this.#side === 'server') {
      const header = new Uint8Array(maxHeaderBytes);
      framed.push(header.subarray(0, writeHeader(header, bytes, false)), ...parts);
      return;
    }
    const target = Buffer.allocUnsafe(maxHeaderBytes + bytes);
    let at = writeHeader(target, bytes, true);
    const mask = this.#drawMask();
    target.set(mask, at - maskBytes);
    const payload = target.subarray(at, at + bytes);
    for (const part of parts) {
      target.set(part, at);
      at += part.length;
    }
    applyMask(payload, mask, 0);
    framed.push(target.subarray(0, at));
  }

  #drawMask(): Uint8Array {
    if (this.#nextMask === 0) randomFillSync(this.#masks);
    const mask = this.#masks.subarray(this.#nextMask, this.#nextMask + maskBytes);
    this.#nextMask = (this.#nextMask + maskBytes) % this.#masks.length;
    return mask;
  }
}
