import { FailOver, pipe, queue, type Sender } from '@circuit/channel';
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

test('acknowledged sends pass on to a session without waiting for those before them', async () => {
  const pair = await connectMemory();
  const { sender, receiver } = await openChannel(pair.a, pair.b);
  const fast = queue(sender, 8);
  const sends = [1, 2, 3].map((value) => fast.send(value, { acknowledged: true }));
  await until('all to arrive while nobody takes them', () => pair.b.stats.unreadBytes > 90);
  for (const value of [1, 2, 3]) expect((await take(receiver)).value).toBe(value);
  await Promise.all(sends);
  await pair.close();
});

test('an acknowledged send resolves when the slow side has taken its message, and the end when it is taken', async () => {
  const slow = pipe<number>(8);
  const fast = queue(slow.sender, 8);
  const done: string[] = [];
  const sends = [1, 2].map((value) =>
    fast.send(value, { acknowledged: true }).then(() => void done.push(`${value} acknowledged`)),
  );
  await fast.send(3);
  fast.close();
  const closed = fast.closed.then(() => void done.push('closed'));
  await settle();
  expect(done).toEqual([]);
  expect((await take(slow.receiver)).value).toBe(1);
  await sends[0];
  await settle();
  expect(done).toEqual(['1 acknowledged']);
  expect((await take(slow.receiver)).value).toBe(2);
  expect((await take(slow.receiver)).value).toBe(3);
  await Promise.all([...sends, closed]);
  expect(done).toEqual(['1 acknowledged', '2 acknowledged', 'closed']);
});

test('an acknowledged send rejects with what the slow side failed with, also one of a maker of its own', async () => {
  const slow = pipe<string>(8);
  const fast = queue(slow.sender);
  const waiting = fast.send('held', { acknowledged: true });
  await settle();
  slow.receiver.cancel(new Error('no more'));
  await expect(waiting).rejects.toMatchObject({ message: 'no more' });

  const options: unknown[] = [];
  const aborted: unknown[] = [];
  const own: Sender<string> = {
    send(_value: string, given?: object): Promise<never> {
      options.push(given);
      throw new Error('of another make');
    },
    trySend: () => false,
    close: () => undefined,
    abort: (reason) => void aborted.push(reason),
    closed: new Promise(() => undefined),
    onWritable: () => () => undefined,
  };
  const behind = queue(own);
  await expect(behind.send('x', { acknowledged: true })).rejects.toMatchObject({ message: 'of another make' });
  await expect(behind.closed).rejects.toMatchObject({ message: 'of another make' });
  expect(options).toMatchObject([{ acknowledged: true }]);
  expect(aborted[0]).toMatchObject({ message: 'of another make' });
});

test('a fail-over over queues delivers what the slow side of one has not taken to the next, and reports nothing before', async () => {
  const [first, second] = [pipe<string>(4), pipe<string>(4)];
  const stack = new FailOver<string>();
  stack.push(queue(second.sender));
  stack.push(queue(first.sender));
  let delivered = false;
  const sent = stack.send('message').then(() => {
    delivered = true;
  });
  await settle();
  expect(delivered).toBe(false);
  first.receiver.cancel(new Error('gone'));
  await settle();
  expect(delivered).toBe(false);
  expect((await take(second.receiver)).value).toBe('message');
  await sent;
  expect(stack.size).toBe(1);
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
