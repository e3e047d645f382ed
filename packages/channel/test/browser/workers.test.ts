import { requires } from '@circuit/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type OpenPage, openPage } from '../support/chromium.js';

const skip = !requires('chromium');
let page: OpenPage | undefined;

beforeAll(async () => {
  if (!skip) page = await openPage(['workers', 'serving-worker']);
});

afterAll(() => page?.close());

test.skipIf(skip)('a page and its worker dial each other and pass senders', async () => {
  expect(await page?.call('bothWays')).toStrictEqual({ echoed: 'question', sums: [1, 3], heard: ['hello'], ends: 2 });
});

test.skipIf(skip)(
  'a worker that the page terminates is found by keep-alive: ports of browsers tell nobody',
  async () => {
    expect(await page?.call('terminated')).toStrictEqual([
      'peer-gone',
      'message-port worker: no sign of life for 3000 ms',
    ]);
  },
);

test.skipIf(skip)('a worker that ends its session is heard at once', async () => {
  expect(await page?.call('aborted')).toStrictEqual(['peer-gone', 'message-port worker: connection reset']);
});

test.skipIf(skip)('a worker that cannot be loaded is unreachable', async () => {
  expect(await page?.call('missing')).toStrictEqual(['unreachable', 'dial message-port missing: cannot be loaded']);
});
