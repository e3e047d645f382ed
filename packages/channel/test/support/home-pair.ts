import type { Receiver, Sender, Session, SessionOptions } from '@circuit/channel';
import { type Connect, openChannel, take } from '@circuit/channel/conformance';
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
  /** A new channel from `a` to `b`. */
  readonly openForth: () => Promise<{ readonly sender: Sender; readonly receiver: Receiver }>;
  /** Waits until either table holds nothing but the two channels that carry the ends, and `left` entries. */
  settled(left?: number): Promise<void>;
  /** The far side dies. */
  kill(): Promise<void>;
  /** Both sides say goodbye; then nothing is left in their tables. */
  close(): Promise<void>;
}

export async function homePair(
  options?: { readonly a?: SessionOptions; readonly b?: SessionOptions },
  connect: Connect = connectMemory,
): Promise<HomePair> {
  const pair = await connect(options);
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
    openForth: () => openChannel(a, b),
    settled: (left = 0) =>
      until('both tables to hold the two channels alone', () => {
        return a.stats.channels === 2 + left && b.stats.channels === 2 + left;
      }),
    async kill() {
      b.abort();
      expect(await a.closed).toMatchObject({ code: 'peer-gone' });
      expect(a.stats.channels).toBe(0);
    },
    async close() {
      await Promise.all([a.close(), b.close()]);
      await until('everything to be read or dropped', () => a.stats.channels + b.stats.channels === 0);
    },
  };
}

/** A channel that `a` opened, whose receiver has come home, over another session or the same. */
export async function openedAndBack<T>(
  one: HomePair,
  two = one,
): Promise<{ readonly sender: Sender<T>; readonly receiver: Receiver<T> }> {
  const { sender, receiver } = await one.openForth();
  return { sender, receiver: (await two.back(receiver)) as Receiver<T> };
}

/** A channel for answers that `a` asked for, whose sender has come home. */
export async function returnedAndBack<T>(
  one: HomePair,
  two = one,
): Promise<{ readonly sender: Sender<T>; readonly receiver: Receiver<T> }> {
  const requests = await one.openForth();
  const receiver = await requests.sender.send('?', { returns: true });
  const { ret } = await take(requests.receiver);
  requests.sender.close();
  expect((await requests.receiver.receive()).done).toBe(true);
  return { sender: await two.back(ret), receiver: receiver as Receiver<T> };
}

/** Two sessions between the same two sides; `pick` says over which of them each end goes. */
export async function twoHomePairs(
  options: Parameters<typeof homePair>[0],
  pick: () => number,
): Promise<Omit<HomePair, 'a' | 'b'>> {
  const pairs = [await homePair(options), await homePair(options)] as const;
  const one = (): HomePair => pairs[pick() as 0 | 1];
  const all = async (run: (pair: HomePair) => Promise<void>): Promise<void> => {
    await Promise.all(pairs.map(run));
  };
  return {
    forth: (value) => one().forth(value),
    back: (value) => one().back(value),
    openForth: () => one().openForth(),
    settled: (left) => all((pair) => pair.settled(left)),
    kill: () => all((pair) => pair.kill()),
    close: () => all((pair) => pair.close()),
  };
}
