import { CircuitError } from '@circuit/base';
import { frameType, maxCodecNameBytes, maxOriginBytes, maxTargetBytes } from '../wire/frame.js';
import { partsLength, writeParts } from '../wire/parts.js';
import type { ByteCursor } from '../wire/varint.js';
import type { Writer } from './writer.js';

/** What an OPEN says: the codec of the channel, what it is for and on whose behalf. */
export interface OpenFrame {
  readonly codec: string;
  readonly target: string;
  readonly origin: Uint8Array;
}

const encoder = new TextEncoder();

/** Throws `invalid` if a part is longer than its bound. */
export function checkOpen({ target, origin }: OpenFrame): void {
  const targetBytes = encoder.encode(target).length;
  if (targetBytes > maxTargetBytes) {
    throw new CircuitError('invalid', `open: target of ${targetBytes} bytes, the limit is ${maxTargetBytes}`);
  }
  if (origin.length > maxOriginBytes) {
    throw new CircuitError('invalid', `open: origin of ${origin.length} bytes, the limit is ${maxOriginBytes}`);
  }
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
