import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { PollingThread } from '../../src/carriers/polling/poll-loop.js';
import type { Loaded, Native } from '../../src/native/native.js';

const native = vi.hoisted(() => ({ loads: 0, yields: 0, takesMs: 0, there: true }));

vi.mock('../../src/native/native.js', () => ({
  loadNative(): Loaded {
    native.loads++;
    if (!native.there) return { missing: 'not built' };
    return {
      native: {
        yieldProcessor: () => {
          native.yields++;
          time += native.takesMs;
        },
      } as Native,
    };
  },
}));

let thread: PollingThread;
/** Goes on from test to test: a wait awake of the thread before is over in the next. */
let time = 1000;

beforeEach(async () => {
  Object.assign(native, { loads: 0, yields: 0, takesMs: 0, there: true });
  time += 60_000;
  vi.spyOn(performance, 'now').mockImplementation(() => time);
  vi.resetModules();
  ({ thisThread: thread } = await import('../../src/carriers/polling/poll-loop.js'));
});

afterEach(() => vi.restoreAllMocks());

const round = (): Promise<void> => new Promise((resolve) => void setImmediate(() => resolve()));

/** So many rounds of the event loop, during a wait that is spent awake. */
async function rounds(count: number): Promise<void> {
  thread.keep(time + 1);
  for (let i = 0; i < count; i++) await round();
  time += 1;
  await round();
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
  for (let i = 0; i < 10; i++) await round();
  expect(native.yields - before).toBeLessThanOrEqual(1);
});

test('where the native part is missing it is not looked for again', async () => {
  native.there = false;
  for (let i = 0; i < 1000; i++) expect(thread.yields()).toBe(false);
  expect(native.loads).toBe(1);
  await rounds(10);
  expect(native.yields).toBe(0);
});

/** The thread waits awake for `forMs`, as far as it does: the pauses between. */
async function pausesOf(forMs: number): Promise<number[]> {
  const pauses: number[] = [];
  const end = time + forMs;
  let awakeAt = time;
  while (time < end) {
    if (thread.keep(time + 0.1)) {
      if (time - awakeAt > 1) pauses.push(Math.round(time - awakeAt));
      await round();
      awakeAt = time;
    }
    time += 0.5;
  }
  return pauses;
}

describe('a thread that gives its processor away', () => {
  beforeEach(() => {
    for (let i = 0; i < 32; i++) thread.yields();
  });

  test('pauses beside one that computes, which takes a whole slice, longer and longer, up to a second', async () => {
    native.takesMs = 4;
    const pauses = await pausesOf(10_000);
    expect(pauses.slice(0, 6)).toStrictEqual([50, 100, 200, 400, 800, 1000]);
    expect(Math.max(...pauses)).toBe(1000);
    // What it lost.
    expect(4 * native.yields).toBeLessThan(100);
  });

  test('ends a long wait with the pause', async () => {
    native.takesMs = 4;
    thread.keep(time + 10_000);
    for (let i = 0; i < 100; i++) await round();
    expect(native.yields).toBe(3);
    const begun = time;
    while (!thread.keep(time)) time += 0.5;
    expect(time - begun).toBe(50);
  });

  test('does not pause beside those that answer and sleep', async () => {
    native.takesMs = 0.9;
    expect(await pausesOf(10_000)).toStrictEqual([]);
  });

  test('does not pause for a slice now and then', async () => {
    for (let i = 0; i < 100; i++) {
      native.takesMs = 4;
      await rounds(1);
      native.takesMs = 0;
      expect(await pausesOf(50)).toStrictEqual([]);
    }
  });

  test('begins with a short pause again after a time without loss', async () => {
    native.takesMs = 4;
    expect((await pausesOf(5000)).at(-1)).toBe(1000);
    native.takesMs = 0;
    await pausesOf(2000);
    native.takesMs = 4;
    expect((await pausesOf(500))[0]).toBe(50);
  });
});
