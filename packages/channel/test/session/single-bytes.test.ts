import { Writable } from 'node:stream';
import { bytePipe, type ByteReader, type ByteWriter, ChannelSession, memoryPair } from '@circuit/channel';
import { until } from '@circuit/testkit';
import { expect, test } from 'vitest';

test('a peer that writes single bytes costs bytes, not an object for each', async () => {
  const [a, b] = memoryPair();
  const client = new ChannelSession(a, 'dialler');
  const server = new ChannelSession(b, 'listener');
  const { reader, writer } = bytePipe(1 << 20);
  const opened = client.open();
  await opened.send(reader);
  const message = await (await server.accept()).receiver.receive();
  const source = message.value as ByteReader;

  const count = 50_000;
  for (let i = 0; i < count; i++) await writer.write(Uint8Array.of(i & 0xff));
  writer.close();
  await until('all bytes have arrived', () => server.stats.unreadBytes === count);
  let chunks = 0;
  let bytes = 0;
  for await (const chunk of source) {
    for (const byte of chunk) expect(byte).toBe(bytes++ & 0xff);
    chunks++;
  }
  expect(bytes).toBe(count);
  expect(chunks).toBeLessThan(count / 500);
  opened.close();
  await Promise.all([client.close(), server.closed]);
});

test('a peer that writes single bytes to a stream of Node that is slow costs bytes, and an object for few of them', async () => {
  const [a, b] = memoryPair();
  const client = new ChannelSession(a, 'dialler', { home: false });
  const server = new ChannelSession(b, 'listener', { home: false });
  const opened = client.open();
  const chunks: number[] = [];
  let release: (() => void) | undefined;
  const slow = new Writable({
    write(chunk: Uint8Array, _encoding, done) {
      chunks.push(...chunk);
      if (release === undefined) release = done;
      else done();
      written++;
    },
  });
  let written = 0;
  await opened.send(slow);
  const writer = (await (await server.accept()).receiver.receive()).value as ByteWriter;
  const count = 50_000;
  for (let i = 0; i < count; i++) await writer.write(Uint8Array.of(i & 0xff));
  writer.close();
  await until('all bytes to have arrived', () => client.stats.unreadBytes === count);
  release?.();
  await writer.closed;
  expect(chunks).toStrictEqual(Array.from({ length: count }, (_, i) => i & 0xff));
  expect(written).toBeLessThan(count / 100);
  opened.close();
  await Promise.all([client.close(), server.closed]);
});
