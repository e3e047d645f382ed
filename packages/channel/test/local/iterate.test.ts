import { once } from 'node:events';
import { Readable } from 'node:stream';
import { ReadableStream } from 'node:stream/web';
import { bytePipe, pipe } from '@circuit/channel';
import { expect, test } from 'vitest';
import { homePair } from '../support/home-pair.js';

const cancelled = { code: 'aborted', message: 'cancelled by the reader' };

test('a stream of Node that was made of a reader cancels it when it is destroyed while it waits, and before it was read', async () => {
  for (const reading of [true, false]) {
    const { reader, writer } = bytePipe();
    const stream = Readable.from(reader);
    if (reading) stream.on('data', () => undefined);
    await new Promise(setImmediate);
    const closed = once(stream, 'close');
    stream.destroy();
    await Promise.all([closed, expect(writer.closed).rejects.toMatchObject(cancelled)]);
  }
});

test('so does a web stream', async () => {
  for (const reading of [true, false]) {
    const { reader, writer } = bytePipe();
    const web = ReadableStream.from<Uint8Array>(reader).getReader();
    const waiting = reading ? web.read() : undefined;
    await web.cancel();
    await expect(writer.closed).rejects.toMatchObject(cancelled);
    if (waiting !== undefined) expect((await waiting).done).toBe(true);
  }
});

test('an iterator that is left cancels its channel at once; who waits hears of the end, and nothing follows', async () => {
  const pair = await homePair();
  const local = pipe<number>();
  const remote = pipe<number>();
  const far = await pair.forth(remote.receiver);
  for (const [sender, receiver] of [
    [local.sender, local.receiver],
    [remote.sender, far],
  ] as const) {
    const iterator = receiver[Symbol.asyncIterator]();
    const sending = sender.send(1);
    expect(await iterator.next()).toMatchObject({ done: false, value: 1 });
    await sending;
    const waiting = iterator.next();
    expect(await iterator.return?.()).toStrictEqual({ done: true, value: undefined });
    expect(await waiting).toStrictEqual({ done: true, value: undefined });
    expect(await iterator.next()).toStrictEqual({ done: true, value: undefined });
    await expect(sender.closed).rejects.toMatchObject({ code: 'aborted' });
  }
  await pair.close();
});

test('an iterator that was read to the end, or failed, cancels nothing any more', async () => {
  const { sender, receiver } = pipe<number>(1);
  await sender.send(1);
  sender.close();
  const seen: number[] = [];
  for await (const value of receiver) seen.push(value);
  expect(seen).toStrictEqual([1]);
  await sender.closed;

  const failing = pipe<number>();
  failing.sender.abort(new Error('no more'));
  const iterator = failing.receiver[Symbol.asyncIterator]();
  await expect(iterator.next()).rejects.toMatchObject({ message: 'no more' });
  expect(await iterator.next()).toStrictEqual({ done: true, value: undefined });
});

/** More steps than any turn should have. */
const tooMany = 2_000_000;

test.each([
  0, 1, 16,
])('two sides of a pipe that never pause let others have their turn (capacity %i)', async (capacity) => {
  const { sender, receiver } = pipe<number>(capacity);
  const turn = { come: false };
  setImmediate(() => (turn.come = true));
  let steps = 0;
  const sending = (async () => {
    while (!turn.come && steps < tooMany) await sender.send(steps++);
    sender.close();
  })();
  for await (const value of receiver) expect(value).toBeLessThan(tooMany);
  await sending;
  expect(turn.come).toBe(true);
  expect(steps).toBeLessThan(tooMany);
});

test('so do two sides of a byte pipe', async () => {
  const { writer, reader } = bytePipe();
  const turn = { come: false };
  setImmediate(() => (turn.come = true));
  let steps = 0;
  const writing = (async () => {
    for (; !turn.come && steps < tooMany; steps++) await writer.write(Uint8Array.of(1));
    writer.close();
  })();
  let read = 0;
  for await (const chunk of reader) read += chunk.length;
  await writing;
  expect([turn.come, read]).toStrictEqual([true, steps]);
});
