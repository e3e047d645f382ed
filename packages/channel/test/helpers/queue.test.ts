import { pipe, queue } from '@circuit/channel';
import { openChannel, take } from '@circuit/channel/conformance';
import { settle, until } from '@circuit/testkit';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { connectMemory } from '../support/transports.js';

test('holds so many in front of a slow one, then waits', async () => {
  const slow = pipe<number>();
  const fast = queue(slow.sender, 3);
  // One is on its way, three are held.
  for (let i = 0; i < 4; i++) {
    expect(fast.trySend(i)).toBe(true);
    await settle();
  }
  expect(fast.trySend(4)).toBe(false);
  const stop = new AbortController();
  const given = fast.send(4, { signal: stop.signal });
  stop.abort();
  await expect(given).rejects.toMatchObject({ code: 'cancelled' });
  const waiting = fast.send(5);
  expect((await take(slow.receiver)).value).toBe(0);
  await waiting;
  fast.close();
  const rest: number[] = [];
  for await (const value of slow.receiver) rest.push(value);
  expect(rest).toEqual([1, 2, 3, 5]);
  await expect(fast.send(6)).rejects.toMatchObject({ code: 'closed' });
});

test('return channels go along, and the cancel of the slow side comes back', async () => {
  const slow = pipe<string>();
  const fast = queue(slow.sender);
  const answers = await fast.send('question', { returns: true });
  const { ret } = await take(slow.receiver);
  await ret.send('answer');
  expect((await take(answers)).value).toBe('answer');
  await fast.send('held');
  slow.receiver.cancel(new Error('no more'));
  await settle();
  await expect(fast.send('x')).rejects.toMatchObject({ message: 'no more' });
  await expect(fast.closed).rejects.toMatchObject({ message: 'no more' });
});

test('an abort drops what is held', async () => {
  const slow = pipe<string>();
  const fast = queue(slow.sender);
  await fast.send('one');
  fast.abort(new Error('broken'));
  await settle();
  await expect(slow.receiver.receive()).rejects.toMatchObject({ message: 'broken' });
});

test('property: whatever the pace, all arrive in order, over a session too', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.boolean(), { maxLength: 40 }),
      fc.integer({ min: 0, max: 5 }),
      async (steps, capacity) => {
        const pair = await connectMemory();
        const { sender, receiver } = await openChannel<number>(pair.a, pair.b);
        const fast = queue(sender, capacity);
        const received: number[] = [];
        const sends: Promise<void>[] = [];
        for (const isSend of steps) {
          if (isSend) sends.push(fast.send(sends.length));
          else {
            const message = receiver.tryReceive();
            if (message?.done === false) received.push(message.value);
          }
          await settle();
        }
        fast.close();
        for await (const value of receiver) received.push(value);
        await Promise.all(sends);
        expect(received).toEqual(sends.map((_, i) => i));
        await until('the table to be empty', () => pair.a.stats.channels === 0);
        await pair.close();
      },
    ),
    { numRuns: 50 },
  );
});
