import { requires } from '@circuit/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type OpenPage, openPage } from '../support/chromium.js';
import { type FixtureProcess, startProcess } from '../support/process.js';

// Page (Chromium) ─ WebSocket ─ relay (a process) ─ TCP ─ worker (a process).
const skip = !requires('chromium');
let page: OpenPage | undefined;
let relay: FixtureProcess | undefined;
let worker: FixtureProcess | undefined;

beforeAll(async () => {
  if (skip) return;
  worker = await startProcess('hop-worker.ts');
  relay = await startProcess('hop-relay.ts', [worker.line]);
  page = await openPage(['three-hops']);
  await page.call('dial', relay.line);
});

afterAll(async () => {
  await page?.close();
  await relay?.kill();
  await worker?.kill();
});

test.skipIf(skip)(
  'a request with streams both ways is answered over two hops, with return channels all the way back',
  async () => {
    for (const size of ['5000000', '1', '0']) {
      expect(await page?.call('job', size)).toStrictEqual({
        steps: ['begun', 'done'],
        same: true,
        details: ['for the page'],
      });
    }
  },
);

test.skipIf(skip)('twenty such requests at once', async () => {
  const jobs = await Promise.all(Array.from({ length: 20 }, async () => page?.call('job', '200000')));
  for (const job of jobs) expect(job).toMatchObject({ same: true, details: ['for the page'] });
});

test.skipIf(skip)('the worker sees how the page ends a stream and a channel', async () => {
  expect(await page?.call('watch', 'close')).toStrictEqual(['channel: end', 'stream: end']);
  expect(await page?.call('watch', 'abort')).toStrictEqual(['channel: aborted given up', 'stream: aborted torn']);
});

test.skipIf(skip)('the page sees how the worker refuses all that it was given', async () => {
  expect(await page?.call('refuse')).toStrictEqual({
    answer: 'limit',
    progress: 'limit',
    'stream in': 'limit',
    'stream out': 'limit',
  });
});

test.skipIf(skip)('a worker that is killed is gone for the page, on everything that was open', async () => {
  await page?.call('hold');
  await worker?.kill();
  expect(await page?.call('outcome')).toStrictEqual({
    outcomes: {
      answer: 'peer-gone',
      progress: 'peer-gone',
      'stream in': 'peer-gone',
      'stream out': 'peer-gone',
      channel: 'peer-gone',
    },
    session: 0,
  });
  // The session with the relay goes on, and ends by a goodbye.
  expect(await page?.call('close')).toBe(undefined);
});
