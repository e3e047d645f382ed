import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ByteCursor, maxVarintBytes, varintLength, writeVarint } from '../../src/wire/varint.js';

const cursor = (bytes: Uint8Array): ByteCursor => new ByteCursor(bytes, 0, bytes.length);

test('every number up to 2^53 - 1 comes back, in the announced length and its shortest form', () => {
  const edges = Array.from({ length: 53 }, (_, i) => [2 ** i - 1, 2 ** i, 2 ** i + 1]).flat();
  fc.assert(
    fc.property(fc.oneof(fc.maxSafeNat(), fc.constantFrom(...edges), fc.nat(70_000)), (value) => {
      const bytes = new Uint8Array(maxVarintBytes + 1);
      const end = writeVarint(bytes, 0, value);
      expect(end).toBe(varintLength(value));
      expect(end === 1 || value >= 2 ** (7 * (end - 1))).toBe(true);
      const read = cursor(bytes.subarray(0, end));
      expect([read.varint(), read.ok(), read.offset]).toStrictEqual([value, true, end]);
      const cut = cursor(bytes.subarray(0, end - 1));
      expect([cut.varint(), cut.ok()]).toStrictEqual([0, false]);
    }),
    { numRuns: 2000 },
  );
});

test('padded, too long and too large numbers are refused', () => {
  const bad = [
    [0x80, 0x00],
    [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x10],
    [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x80, 0x01],
    [],
    [0x80],
  ];
  for (const bytes of bad) {
    const read = cursor(Uint8Array.from(bytes));
    expect([read.varint(), read.ok()]).toStrictEqual([0, false]);
  }
  const largest = cursor(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f));
  expect([largest.varint(), largest.ok()]).toStrictEqual([Number.MAX_SAFE_INTEGER, true]);
});

test('a cursor never throws and never reads beyond its end', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 40 }),
      fc.array(fc.constantFrom('byte', 'varint', 'text', 'take', 'rest')),
      (bytes, steps) => {
        const read = new ByteCursor(bytes, 0, bytes.length);
        for (const step of steps) {
          if (step === 'take') read.take(7);
          else if (step === 'text') read.text(20);
          else read[step]();
          expect(read.offset).toBeLessThanOrEqual(bytes.length);
        }
      },
    ),
  );
});

test('texts must be well formed and within their bound', () => {
  for (const [bytes, ok] of [
    [[2, 0xc3, 0xbc], true],
    [[2, 0xc3, 0x28], false],
    [[3, 0x61], false],
    [[5, 0x61, 0x61, 0x61, 0x61, 0x61], false],
    [[0], true],
  ] as const) {
    const read = cursor(Uint8Array.from(bytes));
    read.text(4);
    expect(read.ok()).toBe(ok);
  }
});
