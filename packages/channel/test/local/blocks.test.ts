import { expect, test } from 'vitest';
import { block, written } from '../../src/local/blocks.js';

const piece = (value: number, length = 10_000): Uint8Array => new Uint8Array(length).fill(value);

/** Takes all blocks that are free, and more: the next is new. */
function emptied(): Uint8Array[] {
  return Array.from({ length: 40 }, () => block(piece(0)));
}

test('a block is a copy, and is used again when it was written whole and its memory is needed no more', () => {
  emptied();
  const said = piece(1);
  const one = block(said);
  said.fill(9);
  expect(one).toStrictEqual(piece(1));
  written([one], true);
  const two = block(piece(2, 65_536));
  expect(two.buffer).toBe(one.buffer);
  expect(two).toStrictEqual(piece(2, 65_536));
});

test('a block that somebody may still hold is not used again, whatever comes later', () => {
  emptied();
  const kept = block(piece(1));
  written([kept], false);
  // Who holds it sends it once more, over a carrier that needs it no more.
  written([kept], true);
  const halved = block(piece(2));
  written([halved.subarray(0, 5000)], true);
  written([halved.subarray(5000)], true);
  written([halved], true);
  const waiting = block(piece(3));
  const mine = piece(4);
  written([mine], true);
  const later = emptied();
  for (const { buffer } of later)
    expect([kept, halved, waiting, mine].map((held) => held.buffer)).not.toContain(buffer);
  expect([kept, halved, waiting, mine]).toStrictEqual([1, 2, 3, 4].map((value) => piece(value)));
});

test('what is larger than a block is copied, and few blocks are kept', () => {
  const large = block(piece(1, 65_537));
  expect(large).toStrictEqual(piece(1, 65_537));
  written([large], true);
  const many = emptied();
  written(many, true);
  const again = new Set(emptied().map(({ buffer }) => buffer));
  expect(many.filter(({ buffer }) => again.has(buffer))).toHaveLength(32);
});
