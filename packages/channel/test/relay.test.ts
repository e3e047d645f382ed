import {
  bytePipe,
  type ByteReader,
  type ByteWriter,
  ChannelSession,
  memoryPair,
  pipe,
  relay,
  relayBytes,
  type Receiver,
  type Sender,
} from '@circuit/channel';
import { openChannel } from '@circuit/channel/conformance';
import { until } from '@circuit/testkit';
import { expect, test } from 'vitest';
import { connectMemory } from './support/transports.js';

interface Answer {
  readonly sink: ByteWriter;
  readonly source: ByteReader;
  readonly sender: Sender;
  readonly receiver: Receiver;
}

test('ends in an answer that comes back through a relay work in both directions, and both sessions go on', async () => {
  const [a, b] = memoryPair('client');
  const [c, d] = memoryPair('onward');
  const sessions = [
    new ChannelSession(a, 'dialler'),
    new ChannelSession(b, 'listener'),
    new ChannelSession(c, 'dialler'),
    new ChannelSession(d, 'listener'),
  ] as const;
  const [client, inner, outer, server] = sessions;
  const opened = client.open();
  const asking = opened.send('question', { returns: true });
  relay((await inner.accept()).receiver, outer.open());
  const { receiver: requests } = await server.accept();
  const request = await requests.receive();
  if (request.done) throw new Error('no request');

  const toServer = bytePipe();
  const toClient = bytePipe();
  const up = pipe(1);
  const down = pipe(1);
  await request.ret.send({
    sink: toServer.writer,
    source: toClient.reader,
    sender: up.sender,
    receiver: down.receiver,
  });
  request.ret.close();

  const answer = await (await asking).receive();
  const ends = answer.value as Answer;
  await ends.sink.write(new Uint8Array([1, 2]));
  ends.sink.close();
  expect(await toServer.reader.read()).toEqual(new Uint8Array([1, 2]));
  expect(await toServer.reader.read()).toBeUndefined();
  await ends.sink.closed;
  await toClient.writer.write(new Uint8Array([3]));
  toClient.writer.close();
  expect(await ends.source.read()).toEqual(new Uint8Array([3]));
  expect(await ends.source.read()).toBeUndefined();
  await ends.sender.send('up');
  ends.sender.close();
  expect((await up.receiver.receive()).value).toBe('up');
  expect((await up.receiver.receive()).done).toBe(true);
  await down.sender.send('down');
  down.sender.close();
  expect((await ends.receiver.receive()).value).toBe('down');
  expect((await ends.receiver.receive()).done).toBe(true);

  opened.close();
  expect((await requests.receive()).done).toBe(true);
  await opened.closed;
  expect(sessions.map((session) => session.stats.channels)).toEqual([0, 0, 0, 0]);
  await Promise.all([client.close(), outer.close()]);
});

test('ends in the wrong places, and what is no end, are refused before anything is moved', () => {
  const { sender, receiver } = pipe<number>(1);
  const { writer, reader } = bytePipe();
  const want = 'relay: want a receiver and a sender, got';
  for (const [from, to, got] of [
    [sender, receiver, 'a sender and a receiver'],
    [receiver, receiver, 'a receiver and a receiver'],
    [reader, sender, 'a reader and a sender'],
    [receiver, null, 'a receiver and null'],
    [5, sender, 'what is not an end (number) and a sender'],
  ] as const) {
    const refusal = expect.objectContaining({ code: 'invalid', message: `${want} ${got}` }) as Error;
    expect(() => relay(from as unknown as Receiver, to as unknown as Sender)).toThrow(refusal);
  }
  const refusal = { code: 'invalid', message: 'relayBytes: want a reader and a writer, got a writer and a reader' };
  expect(() => relayBytes(writer as unknown as ByteReader, reader as unknown as ByteWriter)).toThrow(
    expect.objectContaining(refusal) as Error,
  );
  expect(sender.trySend(1)).toBe(true);
  expect(receiver.tryReceive()).toMatchObject({ value: 1 });
  void writer.write(new Uint8Array(2));
  expect(reader.tryRead()).toHaveLength(2);
});

test.each([
  'msgpack',
  'json',
])('a message that goes on to nobody leaves in doubt what was passed on before it, and nothing else (%s)', async (codec) => {
  const [first, second] = [await connectMemory(), await connectMemory({ b: { limits: { maxMessageBytes: 1000 } } })];
  for (const passedOn of [true, false]) {
    const inward = await openChannel(first.a, first.b);
    const outward = second.a.open({ codec });
    const { receiver } = await second.b.accept();
    relay(inward.receiver, outward);
    const before = passedOn ? [inward.sender.send('small', { acknowledged: true })] : [];
    await until('it to wait there', () => second.b.stats.unreadBytes > 0 === passedOn);
    const large = inward.sender.send(new Uint8Array(2000), { acknowledged: true });
    const code = passedOn ? 'outcome-unknown' : 'limit';
    for (const sent of [...before, large]) await expect(sent).rejects.toMatchObject({ code });
    await expect(inward.sender.closed).rejects.toMatchObject({ code: 'limit' });
    await expect(receiver.receive()).rejects.toMatchObject({ code: 'limit' });
  }
  await Promise.all([first.close(), second.close()]);
});
