import { openSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { deferred } from '@circuit/base';
import type { Receiver, Sender, Session } from '@circuit/channel';
import { take } from '@circuit/channel/conformance';
import { type Descriptor, descriptorOf, nativeMissing, openStream } from '@circuit/channel/descriptors';
import { dialUnix, listenUnix, type UnixOptions } from '@circuit/channel/unix';
import { passOver, until } from '@circuit/testkit';
import { expect } from 'vitest';

/** Whether descriptors can be passed here; what is missing is said, or an error where nothing may be missing. */
export function canPass(): boolean {
  const missing = nativeMissing();
  return missing === undefined || passOver(missing);
}

/** Open descriptors of this process; one of them reads the list. */
export function openFds(): number {
  return readdirSync('/proc/self/fd').length;
}

/** Resolves when no more descriptors are open than `before`; closing is done in the thread pool. */
export function fdsBackTo(before: number): Promise<void> {
  return until(`at most ${before} open descriptors`, () => openFds() <= before);
}

/** What `stream` brings until its end; its writing side stays open, other than behind an async iterator. */
export function readAll(stream: Duplex): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    stream.setEncoding('utf8');
    stream.on('data', (chunk: string) => {
      text += chunk;
    });
    stream.on('end', () => resolve(text));
    stream.on('error', reject);
  });
}

/** Where a file stands. */
export function offsetOf(fd: number): number {
  return Number(/^pos:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))?.[1]);
}

export interface UnixPair {
  readonly path: string;
  readonly dialled: Session;
  readonly taken: Session;
  readonly close: () => Promise<void>;
}

type Side = Omit<UnixOptions, 'path'>;

/** Two sessions joined by a Unix socket. */
export async function unixPair(dial: Side = {}, listen: Side = dial): Promise<UnixPair> {
  const folder = await mkdtemp(join(tmpdir(), 'channel-'));
  const path = join(folder, 's');
  const arrived = deferred<Session>();
  const listener = await listenUnix({ path, ...listen }, (session) => arrived.resolve(session));
  const dialled = await dialUnix({ path, ...dial });
  const taken = await arrived.promise;
  return {
    path,
    dialled,
    taken,
    async close() {
      await Promise.all([dialled.close(), taken.close()]);
      await listener.close();
      await rm(folder, { recursive: true });
    },
  };
}

/** A channel from `from` to `to`. */
export async function channel(from: Session, to: Session): Promise<{ sender: Sender; receiver: Receiver }> {
  const sender = from.open();
  const { receiver } = await to.accept();
  return { sender, receiver };
}

/** The next message, which is a descriptor. */
export async function nextDescriptor(receiver: Receiver): Promise<Descriptor> {
  return (await take(receiver)).value as Descriptor;
}

/** Both ends of a TCP connection; the second has read nothing. */
export async function tcpPair(): Promise<[Socket, Socket]> {
  const arrived = deferred<Socket>();
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) => arrived.resolve(socket));
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  const taken = await arrived.promise;
  server.close();
  return [client, taken];
}

/** Of three messages back to back exactly the second brings the descriptor of `file`, which holds `text`. */
export async function secondOfThree(sender: Sender, receiver: Receiver, file: string, text: string): Promise<void> {
  for (let round = 0; round < 50; round++) {
    void sender.send({ name: 'first' });
    void sender.send({ name: 'second', at: descriptorOf(openSync(file, 'r')) });
    void sender.send({ name: 'third' });
    const messages = [await take(receiver), await take(receiver), await take(receiver)].map(({ value }) => value);
    expect(messages[0]).toStrictEqual({ name: 'first' });
    expect(messages[2]).toStrictEqual({ name: 'third' });
    const { name, at } = messages[1] as { name: string; at: Descriptor };
    expect([name, at.passed]).toStrictEqual(['second', true]);
    expect(await readAll(await openStream(at))).toBe(text);
  }
}
