import { bytePipe, pipe, type SessionOptions } from '@circuit/channel';
import { collect, take } from '@circuit/channel/conformance';
import { describe, expect, test } from 'vitest';
import { Homecomings } from '../../src/home/homecomings.js';
import { End } from '../../src/local/end.js';
import { cbor } from '../support/cbor.js';
import { type HomePair, homePair, openedAndBack, returnedAndBack } from '../support/home-pair.js';
import { liveObjects } from '../support/live-objects.js';

/** An end of a channel, and what keeps the channel alive meanwhile. */
interface Lent {
  end: unknown;
  readonly held: unknown;
}

const makes: Record<string, () => Lent | Promise<Lent>> = {
  'a sender': () => {
    const { sender, receiver } = pipe(16);
    return { end: sender, held: receiver };
  },
  'a receiver': () => {
    const { sender, receiver } = pipe(16);
    return { end: receiver, held: sender };
  },
  'a writer': () => {
    const { writer, reader } = bytePipe();
    return { end: writer, held: reader };
  },
  'a reader': () => {
    const { writer, reader } = bytePipe();
    return { end: reader, held: writer };
  },
  'the receiver of a channel that was opened': async () => {
    const { sender, receiver } = await openedAndBack(await homePair());
    return { end: receiver, held: sender };
  },
  'the sender of a channel for answers': async () => {
    const { sender, receiver } = await returnedAndBack(await homePair());
    return { end: sender, held: receiver };
  },
};

/** Whatever may stay behind holds an end, or the half of one. */
const alive = (): Promise<number> => liveObjects(End);

async function trip(pair: HomePair, lent: Lent): Promise<void> {
  lent.end = await pair.back(await pair.forth(lent.end));
}

async function times(count: number, run: () => Promise<void>): Promise<void> {
  for (let i = 0; i < count; i++) await run();
}

describe.each(Object.entries(makes))('%s that goes away and comes home', (_, make) => {
  test('leaves nothing behind, however often', async () => {
    const [pair, lent] = [await homePair(), await make()];
    const round = async (): Promise<void> => {
      await trip(pair, lent);
      await pair.settled();
    };
    await times(5, round);
    const before = await alive();
    await times(20, round);
    expect(await alive()).toBe(before);
  });

  test('leaves nothing behind, sent away again before it was home', async () => {
    const [pair, lent] = [await homePair(), await make()];
    const round = async (trips: number): Promise<void> => {
      await times(trips, () => trip(pair, lent));
      await pair.settled();
    };
    await round(5);
    const before = await alive();
    await round(40);
    expect(await alive()).toBe(before);
  });

  test('holds none of the sessions that it was lent to', async () => {
    const lent = await make();
    const round = async (): Promise<void> => {
      const pair = await homePair();
      await trip(pair, lent);
      await pair.settled();
      await pair.close();
    };
    await times(3, round);
    const before = await alive();
    await times(10, round);
    expect(await alive()).toBe(before);
  });
});

/** A channel that was born in a session with such options has come home, was used and is over, and so is the session. */
async function bornAndOver(options: SessionOptions): Promise<void> {
  const pair = await homePair({ a: options, b: options });
  const { sender, receiver } = await openedAndBack<number>(pair);
  await sender.send(1);
  sender.close();
  expect(await collect(receiver)).toStrictEqual([1]);
  await sender.closed;
  await pair.settled();
  await pair.close();
}

describe('the sessions in memory of channels that were born in a session', () => {
  let number = 1_000_000;

  test.each<[string, () => SessionOptions]>([
    ['bounds', () => ({ limits: { maxMessageBytes: number++ } })],
    ['a codec', () => ({ codec: 'cbor', codecs: [cbor()] })],
  ])('are few, though each session has %s of its own', async (_, options) => {
    await times(10, () => bornAndOver(options()));
    // Each session has one, which the process knows until the session ends.
    const before = await liveObjects(Homecomings);
    await times(20, () => bornAndOver(options()));
    // A pair whose last channel is not quite over when the next is made is closed the next time; all of them would be 40.
    expect(await liveObjects(Homecomings)).toBeLessThanOrEqual(before + 4);
  });

  test('outlive those that came later while they have a channel', async () => {
    const pairs = await Promise.all(
      Array.from({ length: 10 }, () => homePair({ a: { limits: { maxMessageBytes: number++ } } })),
    );
    const channels = await Promise.all(pairs.map((pair) => openedAndBack<number>(pair)));
    await times(20, () => bornAndOver({ limits: { maxMessageBytes: number++ } }));
    for (const { sender, receiver } of channels) {
      const sent = sender.send(1);
      expect((await take(receiver)).value).toBe(1);
      await sent;
    }
    await Promise.all(pairs.map((pair) => pair.close()));
  });
});
