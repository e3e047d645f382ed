import { CircuitError } from '@circuit/base';
import { maxCodecNameBytes, maxOriginBytes, maxTargetBytes } from '../wire/frame.js';
import * as frameType from '../wire/frame-type.js';
import { partsLength, writeParts } from '../wire/parts.js';
import type { ByteCursor } from '../wire/varint.js';
import type { Entry } from './entry.js';
import type { Writer } from './writer.js';

/** What an OPEN says: the codec of the channel, what it is for and on whose behalf. */
export interface OpenFrame {
  readonly codec: string;
  readonly target: string;
  readonly origin: Uint8Array;
}

/** An OPEN from before the peer's HELLO. */
export interface HeldOpen {
  readonly entry: Entry;
  readonly open: OpenFrame;
}

const encoder = new TextEncoder();

/** Throws `invalid` if a part is longer than its bound. */
export function checkOpen({ target, origin }: OpenFrame): void {
  checkLength('target', encoder.encode(target).length, maxTargetBytes);
  checkLength('origin', origin.length, maxOriginBytes);
}

function checkLength(part: string, bytes: number, limit: number): void {
  if (bytes > limit) throw new CircuitError('invalid', `open: ${part} of ${bytes} bytes, the limit is ${limit}`);
}

export function writeOpen(writer: Writer, id: number, open: OpenFrame): void {
  const parts = [encoder.encode(open.codec), encoder.encode(open.target), open.origin];
  const at = writer.begin(frameType.open, id, partsLength(parts));
  writeParts(writer.buffer, at, parts);
}

/** `undefined` if the payload is malformed. */
export function readOpen(payload: ByteCursor): OpenFrame | undefined {
  const codec = payload.text(maxCodecNameBytes);
  const target = payload.text(maxTargetBytes);
  const length = payload.varint();
  if (!payload.ok() || length > maxOriginBytes) return undefined;
  const origin = payload.take(length).slice();
  return payload.ok() ? { codec, target, origin } : undefined;
}
