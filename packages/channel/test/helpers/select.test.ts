import { seededRandom } from '@circuit/base';
import { pipe, receiving, select, sending } from '@circuit/channel';
import { openChannel, take } from '@circuit/channel/conformance';
import { ManualClock, settle } from '@circuit/testkit';
import { expect, test } from 'vitest';
import { connectMemory } from '../support/transports.js';

const value = (message: { value?: unknown; done: boolean }): unknown => (message.done ? 'end' : message.value);

test('the case that is ready is done, the others lose nothing', async () => {
  const [one, two] = [pipe<string>(1), pipe<string>(1)];
  await two.sender.send('two');
  expect(await select([receiving(one.receiver, value), receiving(two.receiver, value)])).toBe('two');
  const waiting = select([receiving(one.receiver, value), receiving(two.receiver, value)]);
  await settle();
  await one.sender.send('one');
  await two.sender.send('kept');
  expect(await waiting).toBe('one');
  expect(two.receiver.tryReceive()).toMatchObject({ value: 'kept' });
});

test('with otherwise it never waits, with after it waits so long and no longer', async () => {
  const { receiver, sender } = pipe<string>(1);
  expect(await select([receiving(receiver, value)], { otherwise: () => 'nothing' })).toBe('nothing');
  const clock = new ManualClock();
  const late = select([receiving(receiver, value)], { clock, after: { ms: 100, use: () => 'late' } });
  await clock.advance(99);
  expect(clock.pending).toBe(1);
  await clock.advance(1);
  expect(await late).toBe('late');
  const early = select([receiving(receiver, value)], { clock, after: { ms: 100, use: () => 'late' } });
  await sender.send('early');
  expect(await early).toBe('early');
  expect(clock.pending).toBe(0);
});

test('cases that are ready together are chosen evenly, also when others stand between them', async () => {
  const random = seededRandom(7);
  const pipes = Array.from({ length: 4 }, () => pipe<number>(9000));
  for (const i of [0, 1, 3]) for (let j = 0; j < 9000; j++) pipes[i]?.sender.trySend(i);
  const counts = [0, 0, 0, 0];
  for (let i = 0; i < 9000; i++) {
    const chosen = await select(
      pipes.map(({ receiver }) => receiving(receiver, value)),
      { random },
    );
    counts[chosen as number] = (counts[chosen as number] ?? 0) + 1;
  }
  expect(counts[2]).toBe(0);
  for (const i of [0, 1, 3]) expect(Math.abs((counts[i] ?? 0) - 3000)).toBeLessThan(200);
});

test('sends and receives race; the end of a channel is a result, a failure is thrown', async () => {
  const [out, into] = [pipe<string>(), pipe<string>()];
  const racing = select([sending(out.sender, 'sent', () => 'sent'), receiving(into.receiver, value)]);
  await settle();
  expect(await out.receiver.receive()).toMatchObject({ value: 'sent' });
  expect(await racing).toBe('sent');
  into.sender.close();
  expect(await select([sending(out.sender, 'x', () => 'sent'), receiving(into.receiver, value)])).toBe('end');
  out.receiver.cancel(new Error('gone'));
  await expect(select([sending(out.sender, 'x', () => 'sent')])).rejects.toMatchObject({ message: 'gone' });
});

test('a select that is given up takes nothing and leaves no waiter', async () => {
  const { sender, receiver } = pipe<string>(1);
  const stop = new AbortController();
  const given = select([receiving(receiver, value)], { signal: stop.signal });
  stop.abort();
  await expect(given).rejects.toMatchObject({ code: 'cancelled' });
  await sender.send('kept');
  expect(receiver.tryReceive()).toMatchObject({ value: 'kept' });
  await expect(select([receiving(receiver, value)], { signal: stop.signal })).rejects.toMatchObject({
    code: 'cancelled',
  });
});

test('over a session: many selects on the same channels lose nothing', async () => {
  const pair = await connectMemory();
  const channels = [await openChannel<number>(pair.a, pair.b), await openChannel<number>(pair.a, pair.b)];
  const got: unknown[] = [];
  const random = seededRandom(3);
  const worker = async (): Promise<void> => {
    for (;;) {
      const one = await select(
        channels.map(({ receiver }) => receiving(receiver, value)),
        { random },
      );
      if (one === 'end') return;
      got.push(one);
    }
  };
  const workers = Promise.all([worker(), worker(), worker()]);
  for (let i = 0; i < 2000; i++) {
    await select(
      channels.map(({ sender }) => sending(sender, i, () => undefined)),
      { random },
    );
    if (i % 50 === 0) await settle();
  }
  for (const { sender } of channels) sender.close();
  await workers;
  for (const { receiver } of channels) {
    for (let one = await receiver.receive(); !one.done; one = await receiver.receive()) got.push(one.value);
  }
  expect((got as number[]).sort((x, y) => x - y)).toStrictEqual([...Array(2000).keys()]);
  await pair.close();
});

test('over a session: sending waits for credit', async () => {
  const pair = await connectMemory();
  const { sender, receiver } = await openChannel<Uint8Array>(pair.a, pair.b);
  let sent = 0;
  while (sender.trySend(new Uint8Array(60_000))) sent++;
  const waiting = select([sending(sender, new Uint8Array(1), () => 'sent')]);
  for (let i = 0; i < sent; i++) await take(receiver);
  expect(await waiting).toBe('sent');
  sender.abort();
  await pair.close();
});

test('a select over an end that is sent away is told so', async () => {
  const { a, b } = await connectMemory();
  const local = pipe();
  const [over, full] = [await openChannel(a, b), pipe()];
  const away = await openChannel(a, b);
  const moved = { code: 'conflict' };
  const back = await openChannel(b, a);
  const waiting = [
    expect(select([receiving(local.receiver, value)])).rejects.toMatchObject(moved),
    expect(select([sending(full.sender, 1, () => 'sent')])).rejects.toMatchObject(moved),
    expect(select([receiving(back.receiver, value)])).rejects.toMatchObject(moved),
  ];
  await over.sender.send([local.receiver, full.sender, back.receiver]);
  await Promise.all(waiting);
  // A sender without credit waits, too.
  while (away.sender.trySend(new Uint8Array(16_384)));
  const sender = expect(select([sending(away.sender, 1, () => 'sent')])).rejects.toMatchObject(moved);
  await over.sender.send(away.sender);
  await sender;
  await Promise.all([a.close(), b.close()]);
});
