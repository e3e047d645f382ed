import { CircuitError } from '@circuit/base';
import { FailOver, pipe, type Receiver } from '@circuit/channel';
import { openChannel, take } from '@circuit/channel/conformance';
import { settle } from '@circuit/testkit';
import { expect, test } from 'vitest';
import { connectMemory } from '../support/transports.js';

/** A stack of `count` back ends in this process, the newest last. */
function stackOf(count: number): { readonly stack: FailOver<string>; readonly ends: Receiver<string>[] } {
  const stack = new FailOver<string>();
  const ends = Array.from({ length: count }, () => {
    const { sender, receiver } = pipe<string>();
    stack.push(sender);
    return receiver;
  });
  return { stack, ends };
}

test('the newest is used, and the next when it fails, for good', async () => {
  const { stack, ends } = stackOf(3);
  const first = stack.send('one');
  expect((await take(ends[2] as Receiver)).value).toBe('one');
  await first;
  ends[2]?.cancel(new Error('gone'));
  const second = stack.send('two');
  expect((await take(ends[1] as Receiver)).value).toBe('two');
  await second;
  expect(stack.size).toBe(2);
});

test('a message that waits when its back end refuses it goes to the next', async () => {
  const { stack, ends } = stackOf(2);
  const sent = stack.send('waiting');
  await settle();
  ends[1]?.cancel(new Error('whatever the reason'));
  expect((await take(ends[0] as Receiver)).value).toBe('waiting');
  await sent;
});

test('the last failure is told when none is left', async () => {
  const { stack, ends } = stackOf(1);
  ends[0]?.cancel(new Error('gone'));
  await expect(stack.send('x')).rejects.toMatchObject({ code: 'unreachable' });
  await expect(new FailOver().send('x')).rejects.toMatchObject({ code: 'unreachable', message: /none was given/ });
});

test('what is wrong with the message harms no back end', async () => {
  const pair = await connectMemory();
  const { sender } = await openChannel(pair.a, pair.b);
  const stack = new FailOver();
  stack.push(sender);
  await expect(stack.send(() => undefined)).rejects.toMatchObject({ code: 'invalid' });
  expect(stack.size).toBe(1);
  const stop = new AbortController();
  const given = stack.send('x', { signal: stop.signal });
  stop.abort();
  await expect(given).rejects.toBeInstanceOf(CircuitError);
  expect(stack.size).toBe(1);
  await pair.close();
});

test('a message in doubt is given to nobody else, unless the caller says so', async () => {
  for (const repeat of [false, true]) {
    const pair = await connectMemory();
    const doomed = await openChannel<string>(pair.a, pair.b);
    const spare = pipe<string>();
    const stack = new FailOver<string>();
    stack.push(spare.sender);
    stack.push(doomed.sender);
    const sent = stack.send('money', { repeat });
    sent.catch(() => undefined);
    await settle();
    // It has gone out, and whether it was taken nobody will ever say.
    pair.b.abort();
    if (repeat) {
      expect((await take(spare.receiver)).value).toBe('money');
      await sent;
    } else {
      await expect(sent).rejects.toMatchObject({ code: 'outcome-unknown' });
      expect(spare.receiver.tryReceive()).toBe(undefined);
    }
    expect(stack.size).toBe(1);
    await pair.close();
  }
});

test('return channels work; closed it takes no more; its bound is kept', async () => {
  const { stack, ends } = stackOf(1);
  const asked = stack.send('question', { returns: true });
  const { ret } = await take(ends[0] as Receiver);
  await ret.send('answer');
  expect((await take(await asked)).value).toBe('answer');
  stack.close();
  expect((await ends[0]?.receive())?.done).toBe(true);
  await expect(stack.send('late')).rejects.toMatchObject({ code: 'closed' });
  expect(() => stack.push(pipe<string>().sender)).toThrow('closed');
  const small = new FailOver({ maxBackEnds: 1 });
  small.push(pipe().sender);
  expect(() => small.push(pipe().sender)).toThrow('1 back ends');
});
