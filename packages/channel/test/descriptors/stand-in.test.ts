import { openSync, readFileSync, writeFileSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Session } from '@circuit/channel';
import { type Connect, take } from '@circuit/channel/conformance';
import { type Descriptor, descriptorOf, openStream, takeDescriptor } from '@circuit/channel/descriptors';
import { until } from '@circuit/testkit';
import { afterAll, expect, test } from 'vitest';
import { describeEach, everyTransport } from '../support/every-transport.js';
import { checkNothingOpen } from '../support/nothing-open.js';
import { channel, fdsBackTo, nextDescriptor, openFds, readAll, tcpPair, unixPair } from './unix-pair.js';

checkNothingOpen();

const file = join(tmpdir(), `stand-in-${process.pid}`);
writeFileSync(file, '0123456789');
afterAll(() => rm(file));

/** A Unix socket where something is missing; with all of it, and in memory, the descriptor itself is passed. */
function unixWithout(...sides: Parameters<typeof unixPair>): Connect {
  return async () => {
    const pair = await unixPair(...sides);
    return { a: pair.dialled, b: pair.taken, close: pair.close };
  };
}

const streams: Readonly<Record<string, Connect>> = {
  ...Object.fromEntries(Object.entries(everyTransport).filter(([name]) => name !== 'unix' && name !== 'memory')),
  'unix, descriptors on neither side': unixWithout({ descriptors: false }),
  'unix, descriptors at the listener only': unixWithout({ descriptors: false }, {}),
  'unix, descriptors at the dialler only': unixWithout({}, { descriptors: false }),
  'unix, resuming': unixWithout({ resume: true }),
};

/** A file that is read from where it stands, a file that is written, a connected socket: each as the stream that stands in. */
async function standIn(from: Session, to: Session): Promise<void> {
  const { sender, receiver } = await channel(from, to);
  const handle = await open(file, 'r');
  await handle.read(Buffer.alloc(5), 0, 5, null);
  await sender.send({ at: descriptorOf(handle) });
  const { at } = (await take(receiver)).value as { at: Descriptor };
  expect([at.passed, at.stream !== undefined]).toStrictEqual([false, true]);
  await expect(takeDescriptor(at)).rejects.toMatchObject({ code: 'unsupported' });
  expect(await readAll(await openStream(at))).toBe('56789');

  const [client, accepted] = await tcpPair();
  await sender.send(descriptorOf(accepted));
  const socket = await openStream(await nextDescriptor(receiver));
  client.end('question');
  expect(await readAll(socket)).toBe('question');
  socket.end('answer');
  expect(await readAll(client)).toBe('answer');

  const written = `${file}-written`;
  await sender.send(descriptorOf(openSync(written, 'w')));
  const writer = await openStream(await nextDescriptor(receiver));
  writer.end('by a stream');
  await until('what was written to be in the file', () => readFileSync(written, 'utf8') === 'by a stream');
  await rm(written);
  sender.close();
}

describeEach(streams, (_transport, connect) => {
  test('a byte stream stands in for an open file or socket, in either direction, and says so', async () => {
    // What the first pair of all leaves open, such as a thread, is no leak.
    await (await connect()).close();
    const before = openFds();
    const pair = await connect();
    try {
      await standIn(pair.a, pair.b);
      await standIn(pair.b, pair.a);
    } finally {
      await pair.close();
    }
    await fdsBackTo(before);
  });
});
