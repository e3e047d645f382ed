import { copy, pipe, relay, relayBytes, bytePipe, type Sender } from '@circuit/channel';
import { collect, openChannel, readAll } from '@circuit/channel/conformance';
import { expect, test } from 'vitest';
import { connectMemory } from '../support/transports.js';

test('copy counts what it sent and closes neither', async () => {
  const [from, to] = [pipe<number>(3), pipe<number>(10)];
  for (let i = 0; i < 3; i++) await from.sender.send(i);
  from.sender.close();
  expect(await copy(to.sender, from.receiver)).toBe(3);
  await to.sender.send(3);
  to.sender.close();
  expect(await collect(to.receiver)).toStrictEqual([0, 1, 2, 3]);
});

test('copy can be given up, and fails with what either end fails with', async () => {
  const [from, to] = [pipe<number>(), pipe<number>()];
  const stop = new AbortController();
  const copying = copy(to.sender, from.receiver, { signal: stop.signal });
  stop.abort();
  await expect(copying).rejects.toMatchObject({ code: 'cancelled' });
  const again = copy(to.sender, from.receiver);
  from.sender.abort(new Error('source broke'));
  await expect(again).rejects.toMatchObject({ message: 'source broke' });
});

test('what a copy or a relay has taken and cannot deliver: its return channel and the ends in it are told', async () => {
  for (const way of ['copy', 'relay'] as const) {
    const pair = await connectMemory();
    const { sender, receiver } = await openChannel(pair.a, pair.b);
    const to = pipe();
    const failing = way === 'copy' ? copy(to.sender, receiver).catch(() => undefined) : undefined;
    if (way === 'relay') relay(receiver, to.sender);
    const nested = pipe(1);
    const answers = await sender.send({ deep: [{ nested: nested.sender }] }, { returns: true });
    to.receiver.cancel(new Error('target broke'));
    await failing;
    await expect(answers.receive()).rejects.toMatchObject({ code: 'undelivered' });
    await expect(nested.receiver.receive()).rejects.toMatchObject({ code: 'undelivered' });
    sender.abort();
    receiver.cancel();
    await pair.close();
  }
});

test('relay joins pipes and streams, and takes both ends out of the hands of the caller', async () => {
  const [from, to] = [pipe<string>(1), pipe<string>(1)];
  relay(from.receiver, to.sender);
  expect(() => to.sender.trySend('x')).toThrow(/sent away/);
  await from.sender.send('through');
  from.sender.close();
  expect(await collect(to.receiver)).toStrictEqual(['through']);
  const [one, two] = [bytePipe(), bytePipe()];
  relayBytes(one.reader, two.writer);
  await one.writer.write(Uint8Array.of(1));
  one.writer.close();
  expect(await readAll(two.reader)).toStrictEqual(Uint8Array.of(1));
  expect(() => relay({} as never, {} as Sender)).toThrow(/not an end/);
});
