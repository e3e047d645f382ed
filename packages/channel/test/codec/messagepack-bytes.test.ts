import { messagePack } from '@circuit/channel';
import { decode, encode } from '@msgpack/msgpack';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { liveBytes } from '../support/live-bytes.js';

const nothingTagged = (): never => {
  throw new Error('nothing here is tagged');
};

const lengths = [0, 1, 2, 255, 256, 257, 511, 512, 513, 65_535, 65_536];

test.each(lengths)('%i bytes alone are encoded as the library does, and decoded by it and by us', (length) => {
  const codec = messagePack();
  const bytes = Uint8Array.from({ length }, (_, i) => i * 7);
  const body = codec.encode(bytes).slice();
  expect(body).toStrictEqual(new Uint8Array(encode(bytes)));
  expect(decode(body)).toStrictEqual(bytes);
  expect(codec.decode(body, nothingTagged)).toStrictEqual(bytes);
});

test('a body stays as it is until the next one is encoded, and shares nothing with the value', () => {
  const codec = messagePack();
  const bytes = new Uint8Array(10).fill(1);
  const body = codec.encode(bytes);
  bytes.fill(2);
  expect(codec.decode(body, nothingTagged)).toStrictEqual(new Uint8Array(10).fill(1));
});

test('bytes that say another length than there is are refused, as the library does', () => {
  const codec = messagePack();
  const first = fc.constantFrom(0xc4, 0xc5, 0xc6);
  fc.assert(
    fc.property(first, fc.uint8Array({ maxLength: 300 }), (type, rest) => {
      const body = Uint8Array.from([type, ...rest]);
      let expected: unknown = 'refused';
      try {
        expected = decode(body);
      } catch {
        // It says so by throwing.
      }
      if (expected === 'refused') expect(() => codec.decode(body, nothingTagged)).toThrow();
      else expect(codec.decode(body, nothingTagged)).toStrictEqual(expected);
    }),
  );
});

test('a large message leaves no large buffer behind, nor does one that fails', () => {
  const codec = messagePack();
  const large = 'x'.repeat(4 * 1024 * 1024);
  expect(codec.encode(large).length).toBeGreaterThan(large.length);
  expect(codec.encode('small').buffer.byteLength).toBeLessThan(4096);
  expect(() => codec.encode([large, 1n])).toThrow();
  expect(codec.encode('small').buffer.byteLength).toBeLessThan(4096);
  const kept = codec.encode('x'.repeat(100_000)).buffer;
  expect(codec.encode('small').buffer).toBe(kept);
});

test('a large message that was decoded is not kept', () => {
  const codec = messagePack();
  const before = liveBytes();
  const decoded = (): number =>
    (codec.decode(encode(['x'.repeat(8 * 1024 * 1024)]), nothingTagged) as unknown[]).length;
  expect(decoded()).toBe(1);
  expect(liveBytes() - before).toBeLessThan(4 * 1024 * 1024);
  expect(codec.decode(encode('the codec goes on'), nothingTagged)).toBe('the codec goes on');
});
