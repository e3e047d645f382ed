import { createHash } from 'node:crypto';

/** A pre-shared key for the bench alone. */
export const key = createHash('sha256').update('bench').digest();
export const identity = 'bench';
/** What a small message carries. */
export const ownSize = 100;
export const message = new Uint8Array(ownSize).fill(7);
/** About 100 bytes of MessagePack with a structure. */
export const record = { id: 12345, name: 'some-name-here', tags: ['a', 'bb', 'ccc'], note: 'x'.repeat(50) };

export function median(values) {
  return [...values].sort((a, b) => a - b)[values.length >> 1];
}
