import { expect, test } from 'vitest';
import { pooledCopy, release } from '../../src/local/buffer-pool.js';

const piece = (value: number, length = 40_000): Uint8Array => new Uint8Array(length).fill(value);

/** Takes all buffers that are free, and more: the next is new. */
function emptied(): Uint8Array[] {
  return Array.from({ length: 40 }, () => pooledCopy(piece(0), true));
}

test('a buffer holds a copy, and is used again when it was written whole and its memory is needed no more', () => {
  emptied();
  const said = piece(1);
  const one = pooledCopy(said, true);
  said.fill(9);
  expect(one).toStrictEqual(piece(1));
  release([one], true);
  const two = pooledCopy(piece(2, 65_536), true);
  expect(two.buffer).toBe(one.buffer);
  expect(two).toStrictEqual(piece(2, 65_536));
});

test('a buffer that somebody may still hold is not used again, whatever comes later', () => {
  emptied();
  const kept = pooledCopy(piece(1), true);
  release([kept], false);
  // Who holds it sends it once more, over a carrier that needs it no more.
  release([kept], true);
  const halved = pooledCopy(piece(2), true);
  release([halved.subarray(0, 5000)], true);
  release([halved.subarray(5000)], true);
  release([halved], true);
  const waiting = pooledCopy(piece(3), true);
  const mine = piece(4);
  release([mine], true);
  const later = emptied();
  for (const { buffer } of later)
    expect([kept, halved, waiting, mine].map((held) => held.buffer)).not.toContain(buffer);
  expect([kept, halved, waiting, mine]).toStrictEqual([1, 2, 3, 4].map((value) => piece(value)));
});

test('what will not come back, and what is much less than a buffer, takes no more than it has', () => {
  for (const length of [1, 8192, 32_767]) expect(pooledCopy(piece(1, length), true).buffer.byteLength).toBe(length);
  for (const length of [1, 32_768, 65_536]) expect(pooledCopy(piece(1, length), false).buffer.byteLength).toBe(length);
  expect(pooledCopy(piece(1, 32_768), true).buffer.byteLength).toBe(65_536);
});

test('what is larger than a buffer is copied, and few buffers are kept', () => {
  const large = pooledCopy(piece(1, 65_537), true);
  expect(large).toStrictEqual(piece(1, 65_537));
  release([large], true);
  const many = emptied();
  release(many, true);
  const again = new Set(emptied().map(({ buffer }) => buffer));
  expect(many.filter(({ buffer }) => again.has(buffer))).toHaveLength(32);
});
