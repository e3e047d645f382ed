import { closeSync, openSync, readSync, writeFileSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipe, type Receiver } from '@circuit/channel';
import { type Descriptor, descriptorOf, openSocket, openStream, takeDescriptor } from '@circuit/channel/descriptors';
import { take } from '@circuit/channel/conformance';
import { afterAll, expect, test } from 'vitest';
import { connectTcp } from '../support/transports.js';
import {
  canPass,
  channel,
  fdsBackTo,
  nextDescriptor,
  offsetOf,
  openFds,
  readAll,
  secondOfThree,
  tcpPair,
  unixPair,
} from './unix-pair.js';

const file = join(tmpdir(), `descriptors-${process.pid}`);
writeFileSync(file, '0123456789');
afterAll(() => rm(file));

test.skipIf(!canPass())('a file arrives itself, either way, and both sides share where it stands', async () => {
  const before = openFds();
  const pair = await unixPair();
  for (const [from, to] of [
    [pair.dialled, pair.taken],
    [pair.taken, pair.dialled],
  ] as const) {
    const { sender, receiver } = await channel(from, to);
    const [number, kept] = [openSync(file, 'r+'), await open(file, 'r')];
    readSync(number, Buffer.alloc(4), 0, 4, null);
    await sender.send({ list: [descriptorOf(number)] });
    const [descriptor] = ((await take(receiver)).value as { list: [Descriptor] }).list;
    expect(descriptor.passed).toBe(true);
    const fd = await takeDescriptor(descriptor);
    expect(offsetOf(fd)).toBe(4);
    await expect(takeDescriptor(descriptor)).rejects.toMatchObject({ code: 'conflict' });
    closeSync(fd);

    await kept.read(Buffer.alloc(2), 0, 2, null);
    await sender.send(descriptorOf(kept));
    expect(await readAll(await openStream(await nextDescriptor(receiver)))).toBe('23456789');
  }
  await pair.close();
  await fdsBackTo(before);
});

test.skipIf(!canPass())('of three messages back to back exactly the second has the descriptor', async () => {
  const before = openFds();
  const pair = await unixPair();
  const { sender, receiver } = await channel(pair.dialled, pair.taken);
  await secondOfThree(sender, receiver, file, '0123456789');
  await pair.close();
  await fdsBackTo(before);
});

test.skipIf(!canPass())(
  'a connected socket arrives itself; one whose bytes were read goes as a stream, whole',
  async () => {
    const before = openFds();
    const pair = await unixPair();
    const { sender, receiver } = await channel(pair.dialled, pair.taken);
    const [client, accepted] = await tcpPair();
    await sender.send(descriptorOf(accepted));
    const descriptor = await nextDescriptor(receiver);
    expect(descriptor.passed).toBe(true);
    const socket = await openSocket(descriptor);
    client.end('question');
    expect(await readAll(socket)).toBe('question');
    socket.end('answer');
    expect(await readAll(client)).toBe('answer');

    const [other, late] = await tcpPair();
    other.end('was read');
    const readable = new Promise((resolve) => late.once('readable', resolve));
    late.resume().pause();
    await readable;
    await sender.send(descriptorOf(late));
    const second = await nextDescriptor(receiver);
    expect(second.passed).toBe(false);
    await expect(takeDescriptor(second)).rejects.toMatchObject({ code: 'unsupported' });
    const stream = await openStream(second);
    expect(await readAll(stream)).toBe('was read');
    stream.end('heard');
    expect(await readAll(other)).toBe('heard');
    await pair.close();
    await fdsBackTo(before);
  },
);

test('in memory the object itself arrives', async () => {
  const { sender, receiver } = pipe(1);
  const descriptor = descriptorOf(openSync(file, 'r'));
  await sender.send(descriptor);
  expect((await take(receiver)).value).toBe(descriptor);
  expect(await readAll(await openStream(descriptor))).toBe('0123456789');
});

test.skipIf(!canPass())('a relay hands a descriptor on where it can, else a byte stream stands in', async () => {
  const before = openFds();
  // As if each side were a process of its own.
  const apart = { session: { home: false } };
  const [first, second, tcp] = [await unixPair(apart), await unixPair(apart), await connectTcp()];
  for (const [from, to, passed] of [
    [second.dialled, second.taken, true],
    [tcp.a, tcp.b, false],
  ] as const) {
    const outer = await channel(first.dialled, first.taken);
    const onward = await channel(from, to);
    const inner = await channel(from, to);
    await outer.sender.send({ inside: descriptorOf(openSync(file, 'r')) });
    await onward.sender.send(outer.receiver);
    const handed = (await take(onward.receiver)).value as Receiver;
    const { inside } = (await take(handed)).value as { inside: Descriptor };
    expect(inside.passed).toBe(passed);
    expect(await readAll(await openStream(inside))).toBe('0123456789');

    // And one that a program takes from one session and sends to the next.
    await outer.sender.send(descriptorOf(openSync(file, 'r')));
    const again = await nextDescriptor(handed);
    await inner.sender.send(again);
    const last = await nextDescriptor(inner.receiver);
    expect(last.passed).toBe(passed);
    expect(await readAll(await openStream(last))).toBe('0123456789');
  }
  await Promise.all([first.close(), second.close(), tcp.close()]);
  await fdsBackTo(before);
});

test('what is not open is invalid, and says so', async () => {
  const closed = openSync(file, 'r');
  closeSync(closed);
  const handle = await open(file, 'r');
  await handle.close();
  const socket = new Socket();
  socket.destroy();
  for (const [source, message] of [
    [closed, `descriptorOf: descriptor ${closed}, want an open file handle`],
    [999_999, 'descriptorOf: descriptor 999999, want'],
    [-1, 'descriptorOf: descriptor -1, want'],
    [1.5, 'descriptorOf: descriptor 1.5, want'],
    [handle, 'descriptorOf: file handle, want'],
    [socket, 'descriptorOf: socket, want'],
    ['x', 'descriptorOf: a value of type string, want'],
    [{}, 'descriptorOf: a value of type object, want'],
    [null, 'descriptorOf: null, want'],
    [undefined, 'descriptorOf: a value of type undefined, want'],
  ] as const) {
    expect(() => descriptorOf(source as unknown as number)).toThrow(
      expect.objectContaining({ code: 'invalid', message: expect.stringContaining(message) as string }) as Error,
    );
  }
});
