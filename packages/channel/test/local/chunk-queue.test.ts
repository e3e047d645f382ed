import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ChunkQueue } from '../../src/local/chunk-queue.js';

test('bytes come out as they went in, whatever their pieces are', () => {
  const pieces = fc.array(
    fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 5 }),
      fc.integer({ min: 8000, max: 8400 }).map((n) => new Uint8Array(n).fill(n)),
    ),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(pieces, fc.constantFrom(0, 3), fc.nat(3), (all, loose, every) => {
      const queue = new ChunkQueue(loose);
      const [into, out]: [number[], number[]] = [[], []];
      for (const [i, piece] of all.entries()) {
        into.push(...piece);
        queue.push(piece);
        if (i % 4 === every) out.push(...(queue.shift() as Uint8Array));
      }
      for (const chunk of queue.drain()) out.push(...chunk);
      expect(out).toStrictEqual(into);
      expect(queue.empty).toBe(true);
    }),
  );
});

test('a piece keeps no more than twice its bytes alive', () => {
  const read = new Uint8Array(65_536);
  const queue = new ChunkQueue();
  for (const [from, to] of [
    [0, 8200],
    [8200, 65_536],
  ] as const)
    queue.push(read.subarray(from, to));
  const [small, large] = queue.drain();
  expect([small?.length, small?.buffer.byteLength]).toStrictEqual([8200, 8200]);
  expect(large?.buffer).toBe(read.buffer);
});
