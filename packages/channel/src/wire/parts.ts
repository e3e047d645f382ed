import { varintLength, writeVarint } from './varint.js';

/** How many bytes `parts` take, each behind its length. */
export function partsLength(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, { length }) => sum + varintLength(length) + length, 0);
}

/** Writes `parts`, each behind its length, at `offset`; returns the offset behind them. */
export function writeParts(target: Uint8Array, offset: number, parts: readonly Uint8Array[]): number {
  let at = offset;
  for (const part of parts) {
    at = writeVarint(target, at, part.length);
    target.set(part, at);
    at += part.length;
  }
  return at;
}
