import { expect, test } from 'vitest';
import { Slab as PageSlab } from '../../src/local/page-slab.js';
import { Slab } from '../../src/local/slab.js';

test.each([
  ['anywhere', Slab],
  ['in a page', PageSlab],
])('%s what is kept stays as it was, whatever becomes of what it was copied from', (_where, Kind) => {
  const slab = new Kind();
  const kept: Uint8Array[] = [];
  const source = new Uint8Array(4096);
  const lengths = [0, 1, 100, 2047, 2048, 4096, 3];
  for (let round = 0; round < 50; round++) {
    for (const length of lengths) {
      source.fill(round + 1);
      kept.push(slab.keep(source.subarray(0, length)));
    }
  }
  source.fill(255);
  kept.forEach((piece, i) => {
    expect(piece).toEqual(new Uint8Array(lengths[i % lengths.length] ?? 0).fill(Math.floor(i / lengths.length) + 1));
  });
});

test('memory that is shared goes to no other thread with a neighbour in it', () => {
  const slab = new Slab();
  const [first, second] = [slab.keep(new Uint8Array(100).fill(1)), slab.keep(new Uint8Array(100).fill(2))];
  expect(first.buffer).toBe(second.buffer);
  try {
    structuredClone(first, { transfer: [first.buffer as ArrayBuffer] });
  } catch {
    // Node 21 and later refuse; Node 20 copies.
  }
  expect(second).toEqual(new Uint8Array(100).fill(2));
});

test('a slab for little stays small', () => {
  const slab = new Slab();
  slab.keep(new Uint8Array(10));
  expect(slab.keep(new Uint8Array(10)).buffer.byteLength).toBeLessThanOrEqual(1024);
});
