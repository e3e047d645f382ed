import { CircuitError, deferred } from '@circuit/base';
import { ChannelSession, handlerSender, memoryPair, pipe, type Sender, serve } from '@circuit/channel';
import { until } from '@circuit/testkit';
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

test.each([
  ['an error of another kind', new Error('no such user'), 'no such user'],
  ['what has no text', { toString: 1 }, 'error without text'],
  ['nothing', undefined, 'undefined'],
])('a handler that throws %s aborts its answer, and goes on', async (_what, thrown, message) => {
  const failing = handlerSender<number>(async (value, ret) => {
    if (value === 1) throw thrown as Error;
    await ret.send('fine');
  });
  const answers = await failing.send(1, { returns: true });
  await expect(answers.receive()).rejects.toMatchObject({ code: 'aborted', message });
  expect((await (await failing.send(2, { returns: true })).receive()).value).toBe('fine');
  failing.close();
});

test('no more calls are under way than it was told, and who sends more waits', async () => {
  const [a, b] = memoryPair();
  const [client, server] = [new ChannelSession(a, 'dialler'), new ChannelSession(b, 'listener')];
  const asking = client.open();
  const bytes = new Uint8Array(16_384);
  const ends: (() => void)[] = [];
  let most = 0;
  let accepted = 0;
  const sending = (async () => {
    for (; accepted < 100; accepted++) await asking.send(bytes);
    asking.close();
  })();
  const { receiver } = await server.accept();
  const serving = serve(
    receiver,
    async () => {
      const ended = new Promise<void>((resolve) => ends.push(resolve));
      most = Math.max(most, ends.length);
      await ended;
    },
    { concurrency: 3 },
  );
  await until('three calls to be under way', () => ends.length === 3);
  await until('the window to be full', () => server.stats.unreadBytes > 0 && client.stats.unsentBytes > 0);
  // The window of a channel, and what the sender holds: one message.
  expect(accepted).toBeLessThan(30);
  const ending = setInterval(() => ends.splice(0).forEach((end) => end()), 1);
  await Promise.all([sending, serving]);
  clearInterval(ending);
  expect([accepted, most]).toStrictEqual([100, 3]);
  await Promise.all([client.close(), server.close()]);
});

test('who gives up while no more calls may begin leaves the messages behind them', async () => {
  const { sender, receiver } = pipe(2);
  const [controller, running] = [new AbortController(), deferred()];
  const handled: number[] = [];
  const serving = serve(receiver, (value) => (handled.push(value as number), running.promise), {
    concurrency: 1,
    signal: controller.signal,
  });
  await sender.send(1);
  await sender.send(2);
  await until('the first call to be under way', () => handled.length === 1);
  controller.abort();
  running.resolve();
  await expect(serving).rejects.toMatchObject({ code: 'cancelled' });
  expect([handled, receiver.tryReceive()]).toMatchObject([[1], { value: 2 }]);
});

test('a concurrency that is none is refused', async () => {
  const { receiver } = pipe();
  await expect(serve(receiver, () => undefined, { concurrency: 0 })).rejects.toMatchObject({ code: 'invalid' });
  await expect(serve(receiver, () => undefined, { concurrency: NaN })).rejects.toMatchObject({ code: 'invalid' });
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
