import type { Session, SessionOptions } from '@circuit/channel';
import { openChannel, take } from '@circuit/channel/conformance';
import { expect } from 'vitest';
import { connectMemory } from './transports.js';
import { until } from '@circuit/testkit';

/** Two sides that hand ends to each other; `a` is home. */
export interface HomePair {
  readonly a: Session;
  readonly b: Session;
  /** Sends `value` from one side and answers with what the other takes. */
  readonly forth: <T>(value: T) => Promise<T>;
  readonly back: <T>(value: T) => Promise<T>;
  /** Waits until either table holds nothing but the two channels that carry the ends, and `left` entries. */
  settled(left?: number): Promise<void>;
  /** The far side dies. */
  kill(): Promise<void>;
}

export async function homePair(options?: {
  readonly a?: SessionOptions;
  readonly b?: SessionOptions;
}): Promise<HomePair> {
  const pair = await connectMemory(options);
  const { a, b } = pair;
  const forth = await openChannel(a, b);
  const back = await openChannel(b, a);
  return {
    a,
    b,
    forth: async <T>(value: T) => {
      await forth.sender.send(value);
      return (await take(forth.receiver)).value as T;
    },
    back: async <T>(value: T) => {
      await back.sender.send(value);
      return (await take(back.receiver)).value as T;
    },
    settled: (left = 0) =>
      until('both tables to hold the two channels alone', () => {
        return a.stats.channels === 2 + left && b.stats.channels === 2 + left;
      }),
    async kill() {
      b.abort();
      expect(await a.closed).toMatchObject({ code: 'peer-gone' });
      expect(a.stats.channels).toBe(0);
    },
  };
}
