import { canonicalBytes, ServerIdentity, signRecord, verifyRecord } from '@circuit/keys';
import fc from 'fast-check';
import { expect, test } from 'vitest';

function canonical(value: unknown): string {
  return Buffer.from(canonicalBytes(value)).toString('utf8');
}

test('the order of keys and absent members do not matter', () => {
  expect(canonical({ b: 1, a: [true, null, 'ä'], c: undefined })).toBe('{"a":[true,null,"ä"],"b":1}');
  expect(canonical({ '10': 1, '9': 2 })).toBe('{"10":1,"9":2}');
  expect(canonical(-0)).toBe('0');
});

test.each([
  [Number.NaN],
  [undefined],
  [[undefined]],
  [1n],
  [new Date(0)],
  [new Map()],
  ['\ud800'],
  [() => 1],
])('what JSON cannot say exactly is refused: %s', (value) => {
  expect(() => canonicalBytes(value)).toThrow(/record holds/);
});

test('a record nests within bounds', () => {
  let value: unknown = 1;
  for (let i = 0; i < 100_000; i++) value = [value];
  expect(() => canonicalBytes(value)).toThrow(/nests deeper than 16/);
});

test('any JSON has one form, whatever the order of its keys', () => {
  const turned = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(turned);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value)
        .reverse()
        .map(([key, item]) => [key, turned(item)]),
    );
  };
  const json = fc.jsonValue({ maxDepth: 5, stringUnit: 'grapheme' });
  fc.assert(
    fc.property(json, (value) => {
      const text = canonical(value);
      expect(canonical(turned(JSON.parse(JSON.stringify(value))))).toBe(text);
      expect(canonical(JSON.parse(text))).toBe(text);
    }),
  );
});

test('a signed record holds for its server and its context only', () => {
  const identity = ServerIdentity.generate();
  const other = ServerIdentity.generate();
  const signed = signRecord(identity, 'member', { id: identity.id, addr: 'circuit://10.0.0.1:1' });
  expect(verifyRecord(signed, 'member', identity.id)).toBe(true);
  expect(verifyRecord(signed, 'other', identity.id)).toBe(false);
  expect(verifyRecord(signed, 'member', other.id)).toBe(false);
  expect(verifyRecord({ ...signed, publicKey: other.publicKey }, 'member', other.id)).toBe(false);
  expect(verifyRecord({ ...signed, record: { ...signed.record, addr: 'x' } }, 'member', identity.id)).toBe(false);
  expect(verifyRecord({ ...signed, record: 1n }, 'member', identity.id)).toBe(false);
});
