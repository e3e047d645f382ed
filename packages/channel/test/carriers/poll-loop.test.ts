import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { PollingThread } from '../../src/carriers/poll-loop.js';
import type { Loaded, Native } from '../../src/native/native.js';

const native = vi.hoisted(() => ({ loads: 0, yields: 0, there: true }));

vi.mock('../../src/native/native.js', () => ({
  loadNative(): Loaded {
    native.loads++;
    if (!native.there) return { missing: 'not built' };
    return {
      native: {
        yieldProcessor: () => {
          native.yields++;
        },
      } as Native,
    };
  },
}));

let thread: PollingThread;

beforeEach(async () => {
  Object.assign(native, { loads: 0, yields: 0, there: true });
  vi.resetModules();
  ({ thisThread: thread } = (await import('../../src/carriers/poll-loop.js')) as { thisThread: PollingThread });
});

afterEach(() => vi.restoreAllMocks());

/** So many rounds of the event loop, during a wait that is spent awake. */
async function rounds(count: number): Promise<void> {
  let time = 1000;
  vi.spyOn(performance, 'now').mockImplementation(() => time);
  thread.keep(time + 1);
  for (let i = 0; i < count; i++) await new Promise<void>((resolve) => void setImmediate(() => resolve()));
  time += 1;
  await new Promise<void>((resolve) => void setImmediate(() => resolve()));
}

test('the native part is loaded once, with the 32nd write of the thread', () => {
  expect(Array.from({ length: 31 }, () => thread.yields())).not.toContain(true);
  expect(native.loads).toBe(0);
  expect(Array.from({ length: 1000 }, () => thread.yields())).not.toContain(false);
  expect(native.loads).toBe(1);
});

test('from then on others have the processor in each round of the event loop', async () => {
  await rounds(10);
  expect(native.yields).toBe(0);
  for (let i = 0; i < 32; i++) thread.yields();
  await rounds(10);
  expect(native.yields).toBeGreaterThan(8);
  const before = native.yields;
  for (let i = 0; i < 10; i++) await new Promise<void>((resolve) => void setImmediate(() => resolve()));
  expect(native.yields - before).toBeLessThanOrEqual(1);
});

test('where the native part is missing it is not looked for again', async () => {
  native.there = false;
  for (let i = 0; i < 1000; i++) expect(thread.yields()).toBe(false);
  expect(native.loads).toBe(1);
  await rounds(10);
  expect(native.yields).toBe(0);
});
