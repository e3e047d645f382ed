import type { Socket } from 'node:net';
import { CircuitError, deferred } from '@circuit/base';
import { bytePipe, type ByteReader, relayBytes } from '@circuit/channel';
import { dialSocket, type SocketEnds } from '@circuit/channel/gateway';
import { settle, until } from '@circuit/testkit';
import { afterEach, expect, test } from 'vitest';
import { checkNothingOpen } from '../support/nothing-open.js';
import { endOf, plainServer, readText } from './sockets.js';

checkNothingOpen();

const releases: (() => unknown)[] = [];
afterEach(async () => {
  for (const release of releases.splice(0).reverse()) await release();
});

/** A plain socket and, at its other side, the ends of one. */
async function joined(): Promise<{ readonly socket: Socket; readonly ends: SocketEnds }> {
  const accepted = deferred<Socket>();
  const server = await plainServer((socket) => accepted.resolve(socket));
  releases.push(() => server.close());
  const ends = await dialSocket(server.address);
  releases.push(() => ends.abort(new CircuitError('closed', 'the test is over')));
  return { socket: await accepted.promise, ends };
}

async function textOf(reader: ByteReader): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of reader) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

test('what is written arrives in order, and closed resolves when the end is out', async () => {
  const { socket, ends } = await joined();
  const read = readText(socket);
  const { writer } = ends;
  const writes = ['one ', 'two ', '', 'three'].map((text) => writer.write(Buffer.from(text)));
  await Promise.all(writes);
  writer.close();
  writer.close();
  expect(await read).toBe('one two three');
  await writer.closed;
  await expect(writer.write(Uint8Array.of(1))).rejects.toMatchObject({ code: 'closed' });
  socket.end('and back');
  expect(await textOf(ends.reader)).toBe('and back');
  expect(await ends.closed).toBeUndefined();
  expect(ends.counts).toStrictEqual({ in: 8, out: 13 });
});

test('a write waits while more than 256 KiB wait in the socket; one given up loses nothing', async () => {
  const { socket, ends } = await joined();
  socket.pause();
  const block = new Uint8Array(1_048_576);
  let written = 0;
  const stop = new AbortController();
  const writing = (async () => {
    for (let i = 0; i < 64; i++, written++) await ends.writer.write(block, { signal: stop.signal });
  })();
  let before = -1;
  await until('the writer to stand still', async () => {
    const still = written === before;
    before = written;
    for (let i = 0; i < 20; i++) await settle();
    return still;
  });
  expect(written).toBeLessThan(64);
  stop.abort();
  await expect(writing).rejects.toMatchObject({ code: 'cancelled' });
  ends.writer.close();
  let bytes = 0;
  for await (const chunk of socket) bytes += (chunk as Uint8Array).length;
  // The write that waited was in already, and counts.
  expect(bytes).toBe(written * block.length);
});

test('a connection that breaks fails a pending write, later ones and closed', async () => {
  const { socket, ends } = await joined();
  socket.pause();
  const closed = expect(ends.writer.closed).rejects.toMatchObject({ code: 'peer-gone' });
  const pending = expect(ends.writer.write(new Uint8Array(33_554_432))).rejects.toMatchObject({ code: 'peer-gone' });
  const read = expect(ends.reader.read()).rejects.toMatchObject({ code: 'peer-gone' });
  socket.resetAndDestroy();
  await Promise.all([closed, pending, read]);
  await expect(ends.writer.write(Uint8Array.of(1))).rejects.toMatchObject({ code: 'peer-gone' });
});

test('abort and cancel reset the connection and fail closed with their reason', async () => {
  const first = await joined();
  const ended = endOf(first.socket);
  first.ends.writer.abort(new CircuitError('invalid', 'no more of this'));
  await expect(first.ends.writer.closed).rejects.toMatchObject({ code: 'invalid', message: 'no more of this' });
  expect(await ended).toBe('ECONNRESET');
  const second = await joined();
  const other = endOf(second.socket);
  second.ends.reader.cancel();
  expect(await other).toBe('ECONNRESET');
});

test('an abort right behind a close, at any moment of it, ends the connection and leaves nothing open', async () => {
  const text = Buffer.from('all that is said');
  for (const turns of [0, 1, 2, 3, 4]) {
    for (const written of [false, true]) {
      const { socket, ends } = await joined();
      socket.on('error', () => undefined);
      const over = new Promise((resolve) => socket.once('close', resolve));
      if (written) await ends.writer.write(text);
      ends.writer.close();
      for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
      ends.abort(new CircuitError('aborted', 'enough'));
      await ends.closed;
      socket.resume().end();
      await over;
    }
  }
});

test('what was read stays as it is while more is read: by a read that waited, ahead of a reader, and before there was one', async () => {
  const accepted = deferred<Socket>();
  const server = await plainServer((socket) => {
    socket.write('early');
    accepted.resolve(socket);
  });
  releases.push(() => server.close());
  const ends = await dialSocket(server.address);
  releases.push(() => ends.abort(new CircuitError('closed', 'the test is over')));
  const socket = await accepted.promise;
  const chunks = [await ends.reader.read()];
  const [waiting, ahead, last] = ['waiting', 'ahead', 'last'].map((text) => text.repeat(100));
  const read = ends.reader.read();
  await settle();
  let sent = 5;
  for (const text of [waiting, ahead, last] as string[]) {
    socket.write(text);
    sent += text.length;
    await until('it to arrive', () => ends.counts.in === sent);
  }
  chunks.push(await read, await ends.reader.read(), await ends.reader.read());
  expect(chunks.map((chunk) => Buffer.from(chunk as Uint8Array).toString())).toStrictEqual([
    'early',
    waiting,
    ahead,
    last,
  ]);
});

test('ends that were moved are out of their holder’s hands', async () => {
  const [one, two] = [await joined(), await joined()];
  relayBytes(one.ends.reader, two.ends.writer);
  expect(() => relayBytes(one.ends.reader, two.ends.writer)).toThrow(/sent away/);
  await expect(one.ends.reader.read()).rejects.toMatchObject({ code: 'conflict' });
  await expect(two.ends.writer.write(Uint8Array.of(1))).rejects.toMatchObject({ code: 'conflict' });
  two.ends.writer.close();
  two.ends.writer.abort();
  const read = readText(two.socket);
  one.socket.end('still carried');
  expect(await read).toBe('still carried');
});

test('socket to socket, what had come before the relay and a broken reader pass through', async () => {
  const [one, two] = [await joined(), await joined()];
  one.socket.write('early');
  await until('it to arrive', () => one.ends.counts.in === 5);
  relayBytes(one.ends.reader, two.ends.writer);
  const heard = new Promise<string>((resolve) => two.socket.once('data', (chunk) => resolve(chunk.toString())));
  expect(await heard).toBe('early');
  const ended = endOf(two.socket);
  one.socket.resetAndDestroy();
  expect(await ended).toBe('ECONNRESET');
});

test('a pipe stands on either side of a socket', async () => {
  const { socket, ends } = await joined();
  const [inward, outward] = [bytePipe(), bytePipe()];
  relayBytes(ends.reader, inward.writer);
  relayBytes(outward.reader, ends.writer);
  await outward.writer.write(Buffer.from('out'));
  outward.writer.close();
  expect(await readText(socket)).toBe('out');
  socket.end('in');
  expect(await textOf(inward.reader)).toBe('in');
});
