import { createWriteStream, existsSync } from 'node:fs';
import { Readable, Writable } from 'node:stream';
import type { ByteReader, ByteWriter } from '@circuit/channel';
import { openChannel, take } from '@circuit/channel/conformance';
import { expect, test } from 'vitest';
import { connectMemory } from '../support/transports.js';

/** `stream` as it arrives at the other side of a session. */
async function sent<T>(stream: unknown): Promise<T> {
  const { a, b } = await connectMemory();
  const { sender, receiver } = await openChannel(a, b);
  await sender.send(stream);
  return (await take(receiver)).value as T;
}

test.each([
  ['Node', () => Readable.from([Buffer.from('abc'), { a: 1 }, Buffer.from('def')])],
  [
    'the web',
    () =>
      new ReadableStream({
        start(controller) {
          controller.enqueue(new TextEncoder().encode('abc'));
          controller.enqueue({ a: 1 });
        },
      }),
  ],
])('a stream of %s that delivers what is no bytes fails its reader, and nobody else', async (_of, make) => {
  const reader = await sent<ByteReader>(make());
  const got: string[] = [];
  await expect(
    (async () => {
      for await (const chunk of reader) got.push(Buffer.from(chunk).toString());
    })(),
  ).rejects.toMatchObject({ code: 'invalid', message: 'a byte stream delivered a object' });
  // An abort overtakes what was not yet read.
  expect(got.join('')).not.toContain('def');
});

const later = (error: Error, done: (error: Error) => void): void => void setImmediate(() => done(error));

/** A stream of Node whose owner hears its error. */
function node(options: ConstructorParameters<typeof Writable>[0]): Writable {
  return new Writable(options).on('error', () => undefined);
}

test.each([
  ['the write of its last bytes fails later', () => node({ write: (_c, _e, done) => later(new Error('full'), done) })],
  ['its end fails', () => node({ write: (_c, _e, done) => done(), final: (done) => later(new Error('full'), done) })],
  [
    'a web stream fails later',
    () =>
      new WritableStream({
        async write() {
          await new Promise((resolve) => setImmediate(resolve));
          throw new Error('full');
        },
      }),
  ],
  [
    'a web stream fails at its end',
    () =>
      new WritableStream({
        close() {
          throw new Error('full');
        },
      }),
  ],
])('what a sink could not write was not taken: %s', async (_how, make) => {
  const writer = await sent<ByteWriter>(make());
  await writer.write(Buffer.from('these must not be lost'));
  writer.close();
  await expect(writer.closed).rejects.toMatchObject({ message: 'full' });
});

test.skipIf(!existsSync('/dev/full'))('a full disk is no success', async () => {
  const file = createWriteStream('/dev/full').on('error', () => undefined);
  const writer = await sent<ByteWriter>(file);
  await writer.write(Buffer.alloc(1000));
  writer.close();
  await expect(writer.closed).rejects.toMatchObject({
    code: 'io',
    message: expect.stringContaining('ENOSPC') as string,
  });
});

/** A stream of Node that takes everything. */
const open = (): Writable => node({ write: (_chunk, _encoding, done) => done() });

test.each([
  ['just now', () => open().end()],
  [
    'a while ago',
    async () => {
      const stream = open();
      await new Promise<void>((resolve) => void stream.end(resolve));
      return stream;
    },
  ],
])('a sink of Node that had been ended %s takes nothing, and says so', async (_when, make) => {
  const writer = await sent<ByteWriter>(await make());
  await writer.write(Buffer.from('lost?')).catch(() => undefined);
  writer.close();
  await expect(writer.closed).rejects.toMatchObject({ code: 'closed', message: 'the stream was ended by its owner' });
});

test('a sink of Node that its owner ends meanwhile says so', async () => {
  const stream = open();
  const writer = await sent<ByteWriter>(stream);
  await writer.write(Buffer.from('taken'));
  stream.end();
  await expect(writer.closed).rejects.toMatchObject({ code: 'closed', message: 'the stream was ended by its owner' });
});

test('a sink of the web that had been closed takes nothing, and says so', async () => {
  const stream = new WritableStream();
  await stream.close();
  const writer = await sent<ByteWriter>(stream);
  await writer.write(Buffer.from('lost?')).catch(() => undefined);
  writer.close();
  await expect(writer.closed).rejects.toMatchObject({ code: 'aborted' });
});

test('`closed` of a sink comes when it has written everything', async () => {
  let written = 0;
  const slow = new Writable({
    write: (chunk: Buffer, _encoding, done) =>
      void setImmediate(() => {
        written += chunk.length;
        done();
      }),
  });
  const writer = await sent<ByteWriter>(slow);
  for (let i = 0; i < 100; i++) await writer.write(new Uint8Array(1000));
  writer.close();
  await writer.closed;
  expect([written, slow.writableFinished]).toStrictEqual([100_000, true]);
});
