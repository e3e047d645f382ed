import { closeSync, openSync, readSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deferred } from '@circuit/base';
import { type Carrier, ChannelSession, memoryPair, type Receiver, type Session } from '@circuit/channel';
import { take } from '@circuit/channel/conformance';
import { type Descriptor, descriptorOf, openSocket, openStream, takeDescriptor } from '@circuit/channel/descriptors';
import { dial, listen, MemoryNetwork } from '@circuit/channel/dial';
import { until } from '@circuit/testkit';
import { afterAll, expect, test } from 'vitest';
import { FdDescriptor } from '../../src/descriptors/fd-descriptor.js';
import { spliceCarriers } from '../support/splice-carriers.js';
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

const file = join(tmpdir(), `memory-descriptors-${process.pid}`);
writeFileSync(file, '0123456789');
afterAll(() => rm(file));

/** As if each side were a process of its own, which keeps ends from coming home. */
const apart = { home: false };

function sessions([a, b]: readonly [Carrier, Carrier]): {
  dialled: Session;
  taken: Session;
  close(): Promise<unknown>;
} {
  const [dialled, taken] = [new ChannelSession(a, 'dialler', apart), new ChannelSession(b, 'listener', apart)];
  return { dialled, taken, close: () => Promise.all([dialled.close(), taken.close()]) };
}

test('a file arrives itself, either way, and both sides share where it stands', async () => {
  const before = openFds();
  const pair = sessions(memoryPair());
  for (const [from, to] of [
    [pair.dialled, pair.taken],
    [pair.taken, pair.dialled],
  ] as const) {
    const { sender, receiver } = await channel(from, to);
    const number = openSync(file, 'r');
    readSync(number, Buffer.alloc(4), 0, 4, null);
    const sent = descriptorOf(number);
    await sender.send({ list: [sent] });
    await expect(takeDescriptor(sent)).rejects.toMatchObject({ code: 'conflict' });
    const [descriptor] = ((await take(receiver)).value as { list: [Descriptor] }).list;
    expect(descriptor.passed).toBe(true);
    const fd = await takeDescriptor(descriptor);
    expect([fd, offsetOf(fd)]).toStrictEqual([number, 4]);
    await expect(takeDescriptor(descriptor)).rejects.toMatchObject({ code: 'conflict' });
    closeSync(fd);
  }
  await pair.close();
  await fdsBackTo(before);
});

test('so it does between the two of a URL, and of three messages back to back exactly the second has it', async () => {
  const before = openFds();
  const memory = new MemoryNetwork();
  const arrived = deferred<Session>();
  const listener = await listen('memory:here', { memory }, (session) => arrived.resolve(session));
  const dialled = await dial('memory:here', { memory });
  const { sender, receiver } = await channel(dialled, await arrived.promise);
  await secondOfThree(sender, receiver, file, '0123456789');
  await dialled.close();
  await listener.close();
  await fdsBackTo(before);
});

test.skipIf(!canPass())('a connected socket arrives itself', async () => {
  const before = openFds();
  const pair = sessions(memoryPair());
  const { sender, receiver } = await channel(pair.dialled, pair.taken);
  const [client, accepted] = await tcpPair();
  await sender.send(descriptorOf(accepted));
  const socket = await openSocket(await nextDescriptor(receiver));
  client.end('question');
  expect(await readAll(socket)).toBe('question');
  socket.end();
  await pair.close();
  await fdsBackTo(before);
});

test('what is sent just before the session is closed is received behind its end', async () => {
  const before = openFds();
  const pair = sessions(memoryPair());
  const { sender, receiver } = await channel(pair.dialled, pair.taken);
  await sender.send(descriptorOf(openSync(file, 'r')));
  sender.close();
  await pair.dialled.close();
  await pair.taken.closed;
  expect(await readAll(await openStream(await nextDescriptor(receiver)))).toBe('0123456789');
  await fdsBackTo(before);
});

test('what is never received is closed: given up, cancelled, or of a session that this side aborts', async () => {
  const before = openFds();
  const pair = sessions(memoryPair());
  const { sender, receiver } = await channel(pair.dialled, pair.taken);
  const stop = new AbortController();
  const filling = sender.send(new Uint8Array(300_000));
  const given = sender.send(descriptorOf(openSync(file, 'r')), { signal: stop.signal });
  stop.abort();
  await expect(given).rejects.toMatchObject({ code: 'cancelled' });
  await fdsBackTo(before);
  const partly = new AbortController();
  const cut = sender.send([descriptorOf(openSync(file, 'r')), new Uint8Array(300_000)], { signal: partly.signal });
  await take(receiver);
  await filling;
  const begun = channel(pair.dialled, pair.taken);
  partly.abort();
  await cut.catch(() => undefined);
  const second = await begun;
  await second.sender.send(descriptorOf(openSync(file, 'r')));
  second.receiver.cancel();
  await second.sender.closed.catch(() => undefined);
  const third = await channel(pair.dialled, pair.taken);
  await third.sender.send(descriptorOf(openSync(file, 'r')));
  await until('it to wait there', () => pair.taken.stats.unreadBytes > 0);
  pair.taken.abort();
  await pair.dialled.closed;
  await fdsBackTo(before);
});

/** One whose number is still on its way to this process. */
class Late extends FdDescriptor {
  readonly detachable = true;
  readonly number = deferred<number>();

  detach(): Promise<number> {
    return this.number.promise;
  }

  cancelNow(): void {}
}

test('one that is still on its way here is waited for by the goodbye, and closed when nobody wants it any more', async () => {
  const before = openFds();
  const pair = sessions(memoryPair());
  const { sender, receiver } = await channel(pair.dialled, pair.taken);
  const [late, unwanted, over] = [new Late(), new Late(), new Late()];
  await sender.send(late);
  const descriptor = await nextDescriptor(receiver);
  const closing = pair.dialled.close();
  sender.close();
  late.number.resolve(openSync(file, 'r'));
  expect(await readAll(await openStream(descriptor))).toBe('0123456789');
  await closing;

  const other = sessions(memoryPair());
  const second = await channel(other.dialled, other.taken);
  await second.sender.send(unwanted);
  const cancelled = await nextDescriptor(second.receiver);
  cancelled.cancel();
  await second.sender.send(over);
  const lost = takeDescriptor(await nextDescriptor(second.receiver));
  other.taken.abort();
  await expect(lost).rejects.toMatchObject({ code: 'aborted' });
  await other.dialled.closed;
  for (const { number } of [unwanted, over]) number.resolve(openSync(file, 'r'));
  await fdsBackTo(before);
});

test.skipIf(!canPass())('a relay hands it on from a Unix socket to memory, back, and to a stand-in', async () => {
  const before = openFds();
  const side = { session: apart };
  const [unix, again, tcp] = [await unixPair(side), await unixPair(side), await connectTcp({ a: apart, b: apart })];
  const memory = sessions(memoryPair());
  const [one, two, three, four] = [
    await channel(unix.dialled, unix.taken),
    await channel(memory.dialled, memory.taken),
    await channel(again.dialled, again.taken),
    await channel(tcp.a, tcp.b),
  ];
  await two.sender.send(one.receiver);
  await three.sender.send((await take(two.receiver)).value);
  const handed = (await take(three.receiver)).value as Receiver;
  await one.sender.send(descriptorOf(openSync(file, 'r')));
  const there = await nextDescriptor(handed);
  expect(there.passed).toBe(true);
  await four.sender.send(there);
  const last = await nextDescriptor(four.receiver);
  expect(last.passed).toBe(false);
  expect(await readAll(await openStream(last))).toBe('0123456789');
  await Promise.all([unix.close(), memory.close(), again.close(), tcp.close()]);
  await fdsBackTo(before);
});

test('a channel of which both ends have come home passes the thing itself as well', async () => {
  const before = openFds();
  const tcp = await connectTcp();
  const { sender, receiver } = await channel(tcp.a, tcp.b);
  const back = await channel(tcp.b, tcp.a);
  await back.sender.send(receiver);
  const home = (await take(back.receiver)).value as Receiver;
  await sender.send('first');
  expect((await take(home)).value).toBe('first');
  await until('the channel to be a loop', () => tcp.a.stats.channels === 1);
  await sender.send(descriptorOf(openSync(file, 'r')));
  const descriptor = await nextDescriptor(home);
  expect(descriptor.passed).toBe(true);
  expect(await readAll(await openStream(descriptor))).toBe('0123456789');
  sender.close();
  back.sender.close();
  await tcp.close();
  await fdsBackTo(before);
});

test('of two sessions whose carriers somebody joins in between a stream stands in', async () => {
  const before = openFds();
  const [[a, one], [other, b]] = [memoryPair(), memoryPair()];
  spliceCarriers(one, other);
  const pair = sessions([a, b]);
  const { sender, receiver } = await channel(pair.dialled, pair.taken);
  await sender.send(descriptorOf(openSync(file, 'r')));
  const descriptor = await nextDescriptor(receiver);
  expect(descriptor.passed).toBe(false);
  expect(await readAll(await openStream(descriptor))).toBe('0123456789');
  await pair.close();
  await fdsBackTo(before);
});
