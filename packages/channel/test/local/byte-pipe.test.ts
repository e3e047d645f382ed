import { getEventListeners } from 'node:events';
import { bytePipe } from '@circuit/channel';
import { settle } from '@circuit/testkit';
import { expect, test } from 'vitest';

test('what is written is read, in order, to the end', async () => {
  const { reader, writer } = bytePipe();
  const read = reader.read();
  await writer.write(Uint8Array.of(1));
  await writer.write(Uint8Array.of(2, 3));
  await writer.write(new Uint8Array(0));
  writer.close();
  expect([await read, await reader.read(), await reader.read(), reader.tryRead()]).toStrictEqual([
    Uint8Array.of(1),
    Uint8Array.of(2, 3),
    undefined,
    null,
  ]);
  await writer.closed;
  await expect(writer.write(Uint8Array.of(4))).rejects.toMatchObject({ code: 'closed' });
});

test('a writer waits while more than the high water mark is unread', async () => {
  const { reader, writer } = bytePipe(10);
  await writer.write(new Uint8Array(10));
  let done = 0;
  const waiting = [writer.write(new Uint8Array(1)), writer.write(new Uint8Array(1))].map((one) =>
    one.then(() => done++),
  );
  await settle();
  expect(done).toBe(0);
  await reader.read();
  await Promise.all(waiting);
  expect(done).toBe(2);
});

test('a write or read that is given up leaves nothing behind and loses no bytes', async () => {
  const { reader, writer } = bytePipe(1);
  const stop = new AbortController();
  const reading = reader.read({ signal: stop.signal });
  stop.abort();
  await expect(reading).rejects.toMatchObject({ code: 'cancelled' });
  const other = new AbortController();
  const writing = writer.write(new Uint8Array(5), { signal: other.signal });
  other.abort();
  await writing;
  expect((await reader.read())?.length).toBe(5);
  await expect(writer.write(new Uint8Array(1), { signal: other.signal })).rejects.toMatchObject({ code: 'cancelled' });
});

test('single bytes that nobody reads are gathered', async () => {
  const { reader, writer } = bytePipe(1 << 20);
  for (let i = 0; i < 10_000; i++) await writer.write(Uint8Array.of(i));
  writer.close();
  const chunks: Uint8Array[] = [];
  for await (const chunk of reader) chunks.push(chunk);
  expect(chunks.length).toBeLessThan(100);
  expect(chunks.flatMap((chunk) => [...chunk])).toStrictEqual(Array.from({ length: 10_000 }, (_, i) => i % 256));
});

test('a read wakes the writes for which there is room, and writes that are over listen to their signal no longer', async () => {
  const { reader, writer } = bytePipe(10);
  const { signal } = new AbortController();
  await writer.write(new Uint8Array(10).fill(1));
  let done = 0;
  const write = (bytes: number): void => void writer.write(new Uint8Array(bytes), { signal }).then(() => done++);
  for (const bytes of [8, 8, 8]) write(bytes);
  await settle();
  expect([done, getEventListeners(signal, 'abort').length]).toStrictEqual([0, 1]);
  const woken: number[] = [];
  for (let i = 0; i < 3; i++) {
    await reader.read();
    await settle();
    woken.push(done);
  }
  expect(woken).toStrictEqual([0, 0, 3]);
  expect(getEventListeners(signal, 'abort').length).toBe(0);
});

test('abort and cancel drop what is unread and reach whoever waits', async () => {
  const aborted = bytePipe(1);
  const writing = aborted.writer.write(new Uint8Array(9));
  aborted.writer.abort(new Error('cut'));
  await expect(writing).rejects.toMatchObject({ message: 'cut' });
  await expect(aborted.reader.read()).rejects.toMatchObject({ message: 'cut' });
  const cancelled = bytePipe();
  const reading = cancelled.reader.read();
  cancelled.reader.cancel(new Error('enough'));
  await expect(reading).rejects.toMatchObject({ message: 'enough' });
  await expect(cancelled.writer.closed).rejects.toMatchObject({ message: 'enough' });
});
