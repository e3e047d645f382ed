import { lineLogger, ManualClock } from '@circuit/testkit';
import { expect, test } from 'vitest';
import { maxRefusedAddresses, refusalIntervalMs, Refusals } from '../src/refusals.js';

function setup(): { refusals: Refusals; clock: ManualClock; lines: string[] } {
  const clock = new ManualClock();
  const lines: string[] = [];
  return { refusals: new Refusals(clock, lineLogger(lines)), clock, lines };
}

const wrongKey = 'ERR_SSL_BINDER_DOES_NOT_VERIFY';

test('the first of an address is told at once, the next are counted for an interval', async () => {
  const { refusals, clock, lines } = setup();
  for (let port = 1; port <= 1001; port++) refusals.add(`1.2.3.4:${port}`, wrongKey);
  expect(lines.splice(0)).toEqual(['a client without the right key from 1.2.3.4 was refused']);
  await clock.advance(refusalIntervalMs);
  expect(lines.splice(0)).toEqual(['a client without the right key from 1.2.3.4 was refused 1000 more times']);
  refusals.add('1.2.3.4:7', wrongKey);
  await clock.advance(refusalIntervalMs);
  expect(lines.splice(0)).toEqual(['a client without the right key from 1.2.3.4 was refused once more']);
  await clock.advance(refusalIntervalMs);
  refusals.add('1.2.3.4:7', wrongKey);
  expect(lines).toEqual(['a client without the right key from 1.2.3.4 was refused']);
});

test.each([
  [wrongKey, 'a client without the right key'],
  ['ERR_SSL_NO_SUITABLE_SIGNATURE_ALGORITHM', 'a client without the right key'],
  ['ERR_SSL_HTTP_REQUEST', 'a client that does not speak our TLS'],
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'a client that does not speak our TLS'],
  ['ERR_TLS_HANDSHAKE_TIMEOUT', 'a client that said nothing'],
  ['ECONNRESET', 'a client that broke off'],
])('%s is said as %s', (reason, words) => {
  const { refusals, lines } = setup();
  refusals.add('[::1]:4600', reason);
  expect(lines).toEqual([expect.stringMatching(new RegExp(`^${words}.* from ::1 was refused$`))]);
});

test('beyond a bound addresses share one count, and none is kept for longer than it is needed', async () => {
  const { refusals, clock, lines } = setup();
  for (let i = 0; i < maxRefusedAddresses + 500; i++) refusals.add(`10.0.${i >> 8}.${i & 255}:1`, wrongKey);
  expect(lines).toHaveLength(maxRefusedAddresses + 1);
  await clock.advance(refusalIntervalMs);
  expect(lines.at(-1)).toBe('a client without the right key from many addresses was refused 499 more times');
  await clock.advance(refusalIntervalMs);
  expect(clock.pending).toBe(0);
});

test('at the end it says what it has counted, and leaves no timer', () => {
  const { refusals, clock, lines } = setup();
  for (let i = 0; i < 3; i++) refusals.add('?:0', 'ECONNRESET');
  refusals.close();
  expect(lines.at(-1)).toBe('a client that broke off from an unknown address was refused 2 more times');
  expect(clock.pending).toBe(0);
});
