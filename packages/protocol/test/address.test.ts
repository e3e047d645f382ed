import {
  type Address,
  formatAddress,
  isIpv6,
  maxSocketPathBytes,
  orThrow,
  parseAddress,
  sameListener,
} from '@circuit/protocol';
import fc from 'fast-check';
import { isIPv6 } from 'node:net';
import { expect, test } from 'vitest';

function complaint(text: unknown): string {
  const parsed = parseAddress(text);
  return parsed.ok ? 'accepted' : parsed.error.message;
}

test('an address as a server prints it', () => {
  expect(orThrow(parseAddress('circuit://10.0.0.1:11022/78517/Q56e7a2a0d47a7b5d'))).toEqual({
    type: 'tcp',
    host: '10.0.0.1',
    port: 11_022,
    pid: 78_517,
    worker: 'Q56e7a2a0d47a7b5d',
  });
});

test('host and port suffice, also without the scheme and with space around', () => {
  const plain: Address = { type: 'tcp', host: 'db-1.example', port: 4600 };
  expect(orThrow(parseAddress('circuit://db-1.example:4600'))).toEqual(plain);
  expect(orThrow(parseAddress(' DB-1.example:4600\n'))).toEqual(plain);
  expect(orThrow(parseAddress('circuit://db-1.example:4600/'))).toEqual(plain);
});

test('IPv6 stands in brackets, also with a zone', () => {
  expect(orThrow(parseAddress('circuit://[::1]:4600'))).toEqual({ type: 'tcp', host: '::1', port: 4600 });
  expect(orThrow(parseAddress('[fe80::1%eth0]:4600'))).toMatchObject({ host: 'fe80::1%eth0' });
  expect(formatAddress({ type: 'tcp', host: '::1', port: 1 })).toBe('circuit://[::1]:1');
});

test('a Unix socket', () => {
  expect(orThrow(parseAddress('unix:/run/circuit/1/socket'))).toEqual({ type: 'unix', path: '/run/circuit/1/socket' });
});

test.each([
  ['circuit://10.0.0.1', 'malformed'],
  ['http://10.0.0.1:80', 'malformed'],
  ['circuit://:80', 'has host ""'],
  ['circuit://10.0.0.256:80', 'has host "10.0.0.256"'],
  ['circuit://10.0.1:80', 'has host'],
  ['circuit://::1:80', 'malformed'],
  ['circuit://[::g]:80', 'has host "::g"'],
  ['circuit://a b:80', 'has host'],
  ['circuit://a:0', 'has port 0'],
  ['circuit://a:65536', 'has port 65536'],
  ['circuit://a:80/x', 'malformed'],
  ['circuit://a:80/1/Z1', 'malformed'],
  ['unix:run/socket', 'no absolute path'],
  [`unix:/${'a'.repeat(maxSocketPathBytes)}`, 'too long'],
  [7, 'address is 7'],
])('%s is refused', (text, message) => {
  expect(complaint(text)).toContain(message);
});

const hosts = fc.oneof(
  fc.ipV4(),
  fc.ipV6(),
  fc.domain().map((name) => name.toLowerCase()),
);

const addresses: fc.Arbitrary<Address> = fc.oneof(
  fc.record({ type: fc.constant('tcp' as const), host: hosts, port: fc.integer({ min: 1, max: 65_535 }) }),
  fc.record({
    type: fc.constant('tcp' as const),
    host: hosts,
    port: fc.integer({ min: 1, max: 65_535 }),
    pid: fc.nat(4_194_304),
    worker: fc.nat().map((n) => `Q${n.toString(16)}`),
  }),
  fc
    .string({ unit: fc.constantFrom('a', '/', 'ä', '.', ':'), maxLength: 40 })
    .map((name): Address => ({ type: 'unix', path: `/${name}` })),
);

test('what is written reads back', () => {
  fc.assert(
    fc.property(addresses, (address) => {
      expect(orThrow(parseAddress(formatAddress(address)))).toEqual(address);
      expect(sameListener(address, orThrow(parseAddress(formatAddress(address))))).toBe(true);
    }),
  );
});

test('listeners are compared by where they listen', () => {
  const a: Address = { type: 'tcp', host: 'a', port: 1, pid: 7 };
  expect(sameListener(a, { type: 'tcp', host: 'a', port: 1 })).toBe(true);
  expect(sameListener(a, { type: 'tcp', host: 'a', port: 2 })).toBe(false);
  expect(sameListener(a, { type: 'unix', path: '/a' })).toBe(false);
});

test('IPv6 is judged as Node judges it', () => {
  const near = fc.string({
    unit: fc.constantFrom(':', '::', '1', 'ab', 'ffff', '12345', '1.2.3.4', '.', 'g'),
    maxLength: 12,
  });
  fc.assert(
    fc.property(fc.oneof(near, fc.ipV6(), fc.string()), (text) => {
      fc.pre(!text.includes('%'));
      expect(isIpv6(text)).toBe(isIPv6(text));
    }),
    { numRuns: 5000 },
  );
});

test('anything else is refused without an exception', () => {
  fc.assert(fc.property(fc.anything(), (value) => typeof parseAddress(value).ok === 'boolean'));
});
