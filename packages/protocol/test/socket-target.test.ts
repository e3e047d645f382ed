import { formatSocketTarget, parseSocketTarget } from '@circuit/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';

test.each([
  ['db.internal:5432', { host: 'db.internal', port: 5432 }],
  ['10.0.0.7:80', { host: '10.0.0.7', port: 80 }],
  ['[::1]:80', { host: '::1', port: 80 }],
  ['unix:/run/postgresql/.s.PGSQL.5432', { path: '/run/postgresql/.s.PGSQL.5432' }],
])('%s', (text, target) => {
  expect(parseSocketTarget(text)).toEqual({ ok: true, value: target });
  expect(formatSocketTarget(target)).toBe(text);
});

test.each([
  ['circuit://h:1', 'write HOST:PORT, [IPv6]:PORT or unix:/PATH'],
  ['h:1/77/Qab', 'malformed'],
  ['h', 'malformed'],
  ['h:0', 'port 0'],
  ['h:65536', 'port 65536'],
  ['unix:relative', 'no absolute path'],
  [`unix:/${'x'.repeat(100)}`, 'too long'],
  [7, 'target is 7'],
])('%j is refused', (text, message) => {
  const parsed = parseSocketTarget(text);
  expect(parsed.ok ? 'accepted' : parsed.error.message).toContain(message);
});

test('whatever comes, the reader answers', () => {
  fc.assert(
    fc.property(fc.anything(), (value) => {
      expect(typeof parseSocketTarget(value).ok).toBe('boolean');
    }),
  );
});
