import { randomBytes } from 'node:crypto';
import { headerBytes, laneType } from '../wire/frame.js';

/** What a lane begins with, and what goes over it (docs/protocol.md, section 15). */
export const tokenBytes = 16;
export const numberBytes = 8;
const magic = 'CRLN';
const laneVersion = 1;
const payloadBytes = 1 + magic.length + 1 + tokenBytes;
export const laneBytes: number = headerBytes + payloadBytes;

/** Sixteen bytes that nobody can guess. */
export function newToken(): Uint8Array {
  return new Uint8Array(randomBytes(tokenBytes));
}

/** The dialler's first bytes. */
export function encodeLane(token: Uint8Array): Uint8Array {
  return Buffer.concat([
    Uint8Array.of(laneType, 0, 0, payloadBytes, 0),
    Buffer.from(magic, 'latin1'),
    Uint8Array.of(laneVersion),
    token,
  ]);
}

/** The token of a LANE, `undefined` for anything else. */
export function decodeLane(bytes: Uint8Array): Uint8Array | undefined {
  if (bytes.length !== laneBytes) return undefined;
  const token = bytes.subarray(laneBytes - tokenBytes);
  return Buffer.compare(bytes, encodeLane(token)) === 0 ? token : undefined;
}

export function encodeNumber(id: number): Uint8Array {
  const bytes = Buffer.alloc(numberBytes);
  bytes.writeBigUInt64BE(BigInt(id));
  return bytes;
}

/** Numbers beyond 2⁵³ are of no announced id. */
export function decodeNumber(bytes: Uint8Array): number {
  return Number(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).readBigUInt64BE());
}
