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
