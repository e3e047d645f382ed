import { deferred, randomInt, seededRandom } from '@circuit/base';
import type { Session } from '@circuit/channel';
import { ask, take } from '@circuit/channel/conformance';
import { dialSession, SessionDoor } from '@circuit/channel/resume';
import { expect, test } from 'vitest';
import { type CutAfter, CutPair } from '../support/cut-pair.js';

/** Two sessions whose connections break as `cuts` says; those behind the last hold. */
async function connectCut(cuts: readonly CutAfter[]): Promise<{ a: Session; b: Session; pairs: CutPair[] }> {
  const pairs: CutPair[] = [];
  const arrived = deferred<Session>();
  const session = { keepAliveMs: 0 };
  const door = new SessionDoor({ resume: true, session, onSession: (one) => arrived.resolve(one) });
  const connect = (): Promise<CutPair['near']> => {
    const pair = new CutPair(cuts[pairs.length]);
    pairs.push(pair);
    door.accept(pair.far);
    return Promise.resolve(pair.near);
  };
  // No pause between attempts: the real ones are tested with a clock of the test.
  const a = await dialSession(connect, { session, resume: { random: { next: () => 0 } } });
  return { a, b: await arrived.promise, pairs };
}

/** Requests and streams in both directions, acknowledged sends, both ends closed. */
async function converse(a: Session, b: Session): Promise<void> {
  const requests = a.open();
  const serving = (async () => {
    const { receiver } = await b.accept();
    for (;;) {
      const message = await receiver.receive();
      if (message.done) return;
      await message.ret.send([message.value, 'answer']);
      message.ret.close();
    }
  })();
  const back = b.open<number>();
  const { receiver } = await a.accept();
  const sends = [1, 2, 3].map((value) => back.send(value, { acknowledged: true }));
  for (const value of [1, 2, 3]) expect((await take(receiver)).value).toBe(value);
  await Promise.all(sends);
  const large = new Uint8Array(300).fill(5);
  expect(await Promise.all([ask(requests, 'one'), ask(requests, large)])).toStrictEqual([
    ['one', 'answer'],
    [large, 'answer'],
  ]);
  requests.close();
  back.close();
  expect((await receiver.receive()).done).toBe(true);
  await Promise.all([serving, requests.closed, back.closed]);
  expect([a.stats.channels, b.stats.channels]).toStrictEqual([0, 0]);
  await a.close();
  expect(await Promise.all([a.closed, b.closed])).toStrictEqual([undefined, undefined]);
}

/** What a conversation without a cut carries, and the bytes of the handshake in front. */
async function recorded(): Promise<{ forth: number; back: number }> {
  const { a, b, pairs } = await connectCut([]);
  await converse(a, b);
  const [{ forth, back }] = pairs as [CutPair];
  return { forth, back };
}

/** NEW and the first byte behind it; STARTED. */
const handshake = { forth: 19, back: 66 };

test(
  'a connection cut at every byte of a recorded conversation: nothing is lost or doubled',
  { timeout: 600_000 },
  async () => {
    const whole = await recorded();
    expect(whole.forth + whole.back).toBeGreaterThan(1000);
    for (const direction of ['forth', 'back'] as const) {
      for (let cut = handshake[direction]; cut < whole[direction]; cut++) {
        const { a, b } = await connectCut([{ [direction]: cut }]);
        await converse(a, b).catch((error: unknown) => {
          throw new Error(`cut ${direction} behind ${cut} bytes`, { cause: error });
        });
      }
    }
  },
);

test(
  'the connection that replaces it cut at every byte as well, in the handshake and behind it',
  { timeout: 600_000 },
  async () => {
    for (const direction of ['forth', 'back'] as const) {
      for (let cut = 0; cut < 220; cut++) {
        const { a, b, pairs } = await connectCut([{ forth: 200 }, { [direction]: cut }]);
        await converse(a, b).catch((error: unknown) => {
          throw new Error(`second cut ${direction} behind ${cut} bytes`, { cause: error });
        });
        expect(pairs.length).toBeGreaterThan(1);
      }
    }
  },
);

test('connections that all break after a few bytes: nothing is lost or doubled', { timeout: 600_000 }, async () => {
  for (let seed = 1; seed <= 100; seed++) {
    const random = seededRandom(seed);
    const cuts = Array.from({ length: 15 }, (_, i) =>
      i === 0
        ? { forth: handshake.forth + randomInt(random, 300), back: handshake.back + randomInt(random, 300) }
        : { forth: randomInt(random, 500), back: randomInt(random, 500) },
    );
    const { a, b } = await connectCut(cuts);
    await converse(a, b).catch((error: unknown) => {
      throw new Error(`seed ${seed}`, { cause: error });
    });
  }
});
