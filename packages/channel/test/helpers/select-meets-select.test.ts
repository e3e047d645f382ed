import { seededRandom, type Random } from '@circuit/base';
import { pipe, receiving, select, sending } from '@circuit/channel';
import { settle } from '@circuit/testkit';
import fc from 'fast-check';
import { expect, test } from 'vitest';

const value = (message: { value?: unknown; done: boolean }): unknown => (message.done ? 'end' : message.value);

test('one that sends and one that receives find each other on an unbuffered pipe, whoever comes first', async () => {
  for (const first of ['sender', 'receiver']) {
    const { sender, receiver } = pipe<string>();
    const send = (): Promise<string> => select([sending(sender, 'hello', () => 'sent')]);
    const receive = (): Promise<unknown> => select([receiving(receiver, value)]);
    const both = first === 'sender' ? [send(), receive()] : [receive(), send()];
    expect((await Promise.all(both)).sort()).toEqual(['hello', 'sent']);
  }
});

test('with otherwise: a select that waits at the other end is enough', async () => {
  const { sender, receiver } = pipe<string>();
  const waiting = select([sending(sender, 'hello', () => 'sent')]);
  expect(await select([receiving(receiver, value)], { otherwise: () => 'nothing' })).toBe('hello');
  expect(await waiting).toBe('sent');
  expect(await select([receiving(receiver, value)], { otherwise: () => 'nothing' })).toBe('nothing');
  expect(await select([sending(sender, 'x', () => 'sent')], { otherwise: () => 'nothing' })).toBe('nothing');
});

test('one select with both ends of a pipe does not talk to itself', async () => {
  const { sender, receiver } = pipe<string>();
  const both = select([sending(sender, 'own', () => 'sent'), receiving(receiver, value)]);
  await settle();
  expect(await receiver.receive()).toMatchObject({ value: 'own' });
  expect(await both).toBe('sent');
});

test('two that would send to and receive from each other exchange one message', async () => {
  const [p, q] = [pipe<string>(), pipe<string>()];
  const a = select([sending(p.sender, 'from a', () => 'a sent'), receiving(q.receiver, value)]);
  const b = select([receiving(p.receiver, value), sending(q.sender, 'from b', () => 'b sent')]);
  expect([
    ['a sent', 'from a'],
    ['from b', 'b sent'],
  ]).toContainEqual(await Promise.all([a, b]));
});

test('those that lost leave nothing behind', async () => {
  const [p, q] = [pipe<string>(), pipe<string>()];
  const lost = select([receiving(p.receiver, value), receiving(q.receiver, value)]);
  expect(await select([sending(p.sender, 'one', () => 'sent')])).toBe('sent');
  expect(await lost).toBe('one');
  expect(q.sender.trySend('nobody')).toBe(false);
  expect(p.sender.trySend('nobody')).toBe(false);
});

/** Sends or receives one message on any of the pipes, as the seed has it. */
interface Step {
  readonly sends: readonly number[];
  readonly receives: readonly number[];
}

test('property: every message that was sent is received once, and as many as can meet do', async () => {
  const pipes = fc.uniqueArray(fc.nat(2), { maxLength: 3 });
  const step: fc.Arbitrary<Step> = fc
    .record({ sends: pipes, receives: pipes })
    .filter(({ sends, receives }) => sends.length + receives.length > 0);
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), fc.nat(), async (steps, seed) => {
      const random: Random = seededRandom(seed);
      const all = [pipe<string>(), pipe<string>(), pipe<string>()] as const;
      const sent: string[] = [];
      const received: string[] = [];
      const stop = new AbortController();
      const waiting: { step: Step; over: boolean }[] = [];
      const running = steps.map(async (one, i) => {
        const mine = { step: one, over: false };
        waiting.push(mine);
        const cases = [
          ...one.sends.map((at) => sending((all[at] as (typeof all)[0]).sender, `${i}`, () => void sent.push(`${i}`))),
          ...one.receives.map((at) =>
            receiving((all[at] as (typeof all)[0]).receiver, (message) => {
              received.push(message.value as string);
            }),
          ),
        ];
        await select(cases, { random, signal: stop.signal }).catch(() => undefined);
        mine.over = true;
      });
      await settle();
      const left = waiting.filter(({ over }) => !over);
      stop.abort();
      await Promise.all(running);
      expect(received.sort()).toEqual(sent.sort());
      // Of two that still wait none sends where another receives.
      for (const a of left)
        for (const b of left)
          if (a !== b) expect(a.step.sends.filter((at) => b.step.receives.includes(at))).toEqual([]);
    }),
    { numRuns: 500 },
  );
});
