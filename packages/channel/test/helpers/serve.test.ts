import { CircuitError } from '@circuit/base';
import { ChannelSession, handlerSender, memoryPair, pipe, type Sender, serve } from '@circuit/channel';
import { expect, test } from 'vitest';

test('a handler is used as a sender, and its return channel is closed when it ends', async () => {
  const double = handlerSender<number>(async (value, ret) => {
    await ret.send(value * 2);
    await ret.send('and that was it');
  });
  const answers = await double.send(21, { returns: true });
  expect(await Promise.all([answers.receive(), answers.receive(), answers.receive()])).toMatchObject([
    { value: 42 },
    { value: 'and that was it' },
    { done: true },
  ]);
  await double.send(1);
  double.close();
});

test('what a handler throws is what the asker hears', async () => {
  const failing = handlerSender(() => {
    throw new CircuitError('not-found', 'no such thing');
  });
  const answers = await failing.send(1, { returns: true });
  await expect(answers.receive()).rejects.toMatchObject({ code: 'not-found', message: 'no such thing' });
  failing.close();
});

test('a handler goes over a session like any sender', async () => {
  const [a, b] = memoryPair();
  const client = new ChannelSession(a, 'dialler');
  const server = new ChannelSession(b, 'listener');
  const opened = client.open();
  await opened.send({ callback: handlerSender<number>(async (value, ret) => ret.send(value + 1)) });
  const message = await (await server.accept()).receiver.receive();
  const { callback } = message.value as { callback: Sender };
  const answers = await callback.send(1, { returns: true });
  expect((await answers.receive()).value).toBe(2);
  expect((await answers.receive()).done).toBe(true);
  callback.close();
  await callback.closed;
  opened.close();
  await Promise.all([client.close(), server.closed]);
});

test('serve ends with the channel, behind the calls under way', async () => {
  const { sender, receiver } = pipe<string>(2);
  const ended: string[] = [];
  const serving = serve(receiver, async (value) => {
    await Promise.resolve();
    ended.push(value);
  });
  await sender.send('a');
  await sender.send('b');
  sender.close();
  await serving;
  expect(ended).toEqual(['a', 'b']);
});
