import { acceptedPsks, findPsk, formatKey, generateKey, Key, parseKey, pskFor, readOnlyMark } from '@circuit/keys';
import fc from 'fast-check';
import { inspect } from 'node:util';
import { createHmac } from 'node:crypto';
import { expect, test } from 'vitest';

const fixed = new Key(
  'full',
  Uint8Array.from({ length: 64 }, (_, i) => i),
);

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function reading(text: string): Key {
  const found = parseKey(text, 'file k');
  if (!found.ok) throw found.error;
  return found.key;
}

function complaint(text: string): string {
  const found = parseKey(text, 'file k');
  return found.ok ? 'accepted' : found.error.message;
}

/** RFC 5869 by hand, for one block: HMAC(HMAC(0^32, ikm), info || 1). */
function hkdfByHand(secret: Uint8Array, info: string): string {
  const prk = createHmac('sha256', Buffer.alloc(32)).update(secret).digest();
  return createHmac('sha256', prk).update(info).update(Uint8Array.of(1)).digest('hex');
}

test('the chain is HKDF-SHA256 with its labels: full, read-only, discovery', () => {
  const readOnly = hkdfByHand(fixed.secret(), 'circuit/1 read-only');
  expect(hex(fixed.readOnly().secret())).toBe(readOnly);
  expect(hex(fixed.derive('discovery'))).toBe(hkdfByHand(Buffer.from(readOnly, 'hex'), 'circuit/1 discovery'));
  expect(hex(fixed.derive('gossip'))).toBe(hkdfByHand(fixed.secret(), 'circuit/1 gossip'));
  expect(hex(fixed.derive('tls'))).toBe(hkdfByHand(fixed.secret(), 'circuit/1 full tls'));
  expect(fixed.id).toBe(hkdfByHand(fixed.secret(), 'circuit/1 full id').slice(0, 16));
});

test('both rights of one cluster find each other, and have nothing else in common', () => {
  const readOnly = fixed.readOnly();
  expect(readOnly.derive('discovery')).toEqual(fixed.derive('discovery'));
  expect(readOnly.derive('tls')).not.toEqual(fixed.derive('tls'));
  expect(readOnly.derive('auth')).not.toEqual(fixed.derive('auth'));
  expect(readOnly.id).not.toBe(fixed.id);
  expect(readOnly.readOnly()).toBe(readOnly);
});

test('a read-only key yields no gossip key', () => {
  expect(() => fixed.readOnly().derive('gossip')).toThrow(/is read-only: a server needs the full key/);
});

test('a generated key has 64 bytes and is another each time', () => {
  const [a, b] = [generateKey(), generateKey()];
  expect(a.secret()).toHaveLength(64);
  expect(a.right).toBe('full');
  expect(a.id).not.toBe(b.id);
  expect(a.id).toMatch(/^[0-9a-f]{16}$/);
});

test('a secret shows in no text about the key, and copies do not reach it', () => {
  const text = formatKey(fixed).trim();
  for (const said of [String(fixed), JSON.stringify(fixed), inspect(fixed, { showHidden: true, depth: 9 })]) {
    expect(said).toContain(fixed.id);
    expect(said).not.toContain(text.slice(0, 12));
    expect(said).not.toContain('1, 2, 3');
  }
  fixed.secret().fill(0);
  expect(fixed.secret()[1]).toBe(1);
});

test('what is written reads back, whatever white space came between', () => {
  const spaces = fc.string({ unit: fc.constantFrom(' ', '\n', '\r', '\t'), maxLength: 3 });
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 32, maxLength: 200 }),
      fc.boolean(),
      fc.nat(),
      spaces,
      (bytes, full, at, space) => {
        const key = full ? new Key('full', bytes) : new Key('full', bytes).readOnly();
        const text = formatKey(key);
        // Inside the base64, behind the mark.
        const cut = (full ? 0 : readOnlyMark.length) + (at % (text.length - (full ? 0 : readOnlyMark.length)));
        const back = reading(space + text.slice(0, cut) + space + text.slice(cut) + space);
        expect(back.right).toBe(key.right);
        expect(back.secret()).toEqual(key.secret());
      },
    ),
  );
});

test('a 64-byte key of the Go circuit and one without padding are read', () => {
  const text = Buffer.alloc(64, 7).toString('base64');
  expect(reading(text).secret()).toEqual(new Uint8Array(64).fill(7));
  expect(reading(text.replaceAll('=', '')).id).toBe(reading(text).id);
});

test.each([
  ['', 'key file k is empty: make a key with circuit keygen'],
  [' \n', 'is empty'],
  ['not a key!', 'is not base64'],
  [Buffer.alloc(31).toString('base64'), 'has 31 bytes: a key has at least 32 random bytes'],
  [Buffer.alloc(1025, 1).toString('base64'), 'has 1025 bytes: a key has at most 1024'],
  ['A'.repeat(45), 'is not base64'],
  [`${'A'.repeat(43)}==`, 'is not base64'],
  ['circuit read-only key', 'is not base64'],
  ['circuit read-only key\nAAAA', 'has 3 bytes'],
])('the text %j is refused', (text, message) => {
  expect(complaint(text)).toContain(message);
});

test('an error never shows the text of a key', () => {
  expect(complaint('hunter2hunter2')).not.toContain('hunter2');
});

test('whatever comes, the reader answers', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => typeof parseKey(text, 'x').ok === 'boolean'));
});

test('the pre-shared key has 32 bytes and an identity that names right and key', () => {
  const psk = pskFor(fixed);
  expect(psk.key).toHaveLength(32);
  expect(psk.identity).toBe(`circuit/1 full ${fixed.id}`);
  expect(pskFor(fixed.readOnly()).identity).toBe(`circuit/1 read-only ${fixed.readOnly().id}`);
});

test('a listener with the full key admits both rights, one with the read-only key only readers', () => {
  const readOnly = pskFor(fixed.readOnly());
  const full = pskFor(fixed);
  expect(findPsk(acceptedPsks(fixed), full.identity)).toEqual(full);
  expect(findPsk(acceptedPsks(fixed), readOnly.identity)).toEqual(readOnly);
  expect(findPsk(acceptedPsks(fixed.readOnly()), readOnly.identity)).toEqual(readOnly);
  expect(findPsk(acceptedPsks(fixed.readOnly()), full.identity)).toBeUndefined();
  expect(findPsk(acceptedPsks(fixed), pskFor(generateKey()).identity)).toBeUndefined();
});

test('derivations stay what they are: a change would lock out every cluster', () => {
  expect([fixed.id, fixed.readOnly().id, hex(fixed.derive('auth'))]).toEqual([
    'b63304d574864169',
    '03266f6ed8f1d468',
    '280fd18f6f9ee9fdf6d000de7dc950cb552174e7b5d8fc1267017a435c020b07',
  ]);
});
