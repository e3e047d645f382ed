import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { bytePipe, type ByteReader, type Session } from '@circuit/channel';
import { openChannel, readAll, take } from '@circuit/channel/conformance';
import { dialWorker, listenWorker, portSession } from '@circuit/channel/message-port';
import { ManualClock, settle, until } from '@circuit/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { hello } from '../support/raw-peer.js';

const silent = { session: { keepAliveMs: 0 } };
/** The port of a far side that is the test itself, and what it heard. */
let far: MessagePort;
let heard: unknown[];
let session: Session;

beforeEach(() => {
  const { port1, port2 } = new MessageChannel();
  far = port2;
  heard = [];
  far.on('message', (data) => void heard.push(data));
  session = portSession(port1, 'listener', { name: 'far', ...silent });
});

afterEach(() => {
  session.abort();
  far.close();
});

const byte = (): ArrayBuffer => new ArrayBuffer(1);

/** A dialler whose listener is the test itself and has said hello. */
async function greeted() {
  const { port1, port2 } = new MessageChannel();
  const dialler = portSession(port1, 'dialler', silent);
  port2.postMessage(hello().buffer);
  await until('the greeting', () => dialler.stats.bytesIn > 0);
  return { dialler, port2 };
}

test.each<[string, readonly unknown[], string]>([
  ['a text', ['hello'], 'a message that is none of a session: the text "hello"'],
  ['an object', [{ a: 1 }], 'a message that is none of a session: Object'],
  ['nothing', [null], 'a message that is none of a session: null'],
  ['bytes that are no buffer', [new Uint8Array(4)], 'a message that is none of a session: Uint8Array'],
  ['memory that can change', [new SharedArrayBuffer(4)], 'a message that is none of a session: SharedArrayBuffer'],
  ['a big number', [5n], 'a message that is none of a session: 5'],
  ['an empty chunk', [new ArrayBuffer(0)], 'a chunk of 0 bytes, want 1 to 131072'],
  ['a chunk that is too large', [new ArrayBuffer(131_073)], 'a chunk of 131073 bytes, want 1 to 131072'],
  ['an acknowledgement of nothing', [0], 'an acknowledgement of 0 bytes'],
  ['a negative acknowledgement', [-1], 'an acknowledgement of -1 bytes'],
  ['an acknowledgement of more than was sent', [1_000_000], 'an acknowledgement of 1000000 bytes'],
  ['an acknowledgement that is no number', [Number.NaN], 'an acknowledgement of NaN bytes'],
])('%s on a port ends its session with a protocol error', async (_, messages, reason) => {
  const sender = session.open();
  const sent = sender.send(1);
  for (const message of messages) far.postMessage(message);
  const error = await session.closed;
  expect(error).toMatchObject({ code: 'protocol' });
  expect(error?.message).toContain(`message-port far: ${reason}`);
  await expect(sent).rejects.toMatchObject({ code: 'protocol' });
  await until('the far side to hear it', () => heard.includes('reset'));
});

test('a frame that is none ends the session too, and the far side hears the reason', async () => {
  far.postMessage(Uint8Array.of(0x7f, 0, 0, 1, 0).buffer);
  expect(await session.closed).toMatchObject({ code: 'protocol' });
  await until('the goodbye', () => heard.length >= 2);
  expect(Buffer.from(heard[1] as ArrayBuffer).toString('latin1')).toContain('protocol');
});

test('a far side that takes nothing gets a window and no more, and the end waits behind what is queued', async () => {
  const { dialler, port2 } = await greeted();
  const senders = Array.from({ length: 20 }, () => dialler.open<Uint8Array>());
  const sends = senders.map((sender) => sender.send(new Uint8Array(200_000)));
  await settle();
  // Nothing is acknowledged: a window went out, the rest waits in the carrier and in the channels.
  expect(dialler.stats.unsentBytes).toBeGreaterThan(3_000_000);
  const chunks: unknown[] = [];
  const closing = dialler.close();
  port2.on('message', (data: unknown) => {
    chunks.push(data);
    if (data instanceof ArrayBuffer) port2.postMessage(data.byteLength);
    else if (data === 'end') port2.postMessage('end');
  });
  await closing;
  await Promise.all(sends);
  expect(await dialler.closed).toBe(undefined);
  expect(chunks.at(-1)).toBe('end');
  expect(chunks.slice(0, -1).every((chunk) => chunk instanceof ArrayBuffer && chunk.byteLength <= 131_072)).toBe(true);
});

test('a chunk behind the end is a protocol error while the answer to the end still waits', async () => {
  const { dialler, port2 } = await greeted();
  const sends = Array.from({ length: 20 }, () => dialler.open<Uint8Array>().send(new Uint8Array(200_000)));
  const outcomes = Promise.allSettled(sends);
  await settle();
  port2.postMessage('end');
  port2.postMessage(byte());
  expect(await dialler.closed).toMatchObject({
    code: 'protocol',
    message: 'message-port port: a chunk behind the end',
  });
  expect((await outcomes).at(-1)).toMatchObject({ status: 'rejected', reason: { code: 'protocol' } });
  port2.close();
});

test('a port that is closed, and one that says that it is, means a peer that is gone', async () => {
  const pending = session.accept();
  far.close();
  await expect(pending).rejects.toMatchObject({ code: 'peer-gone' });
  const { port1, port2 } = new MessageChannel();
  const other = portSession(port1, 'dialler', silent);
  port2.postMessage('reset');
  expect(await other.closed).toMatchObject({ code: 'peer-gone', message: 'message-port port: connection reset' });
  const ended = new MessageChannel();
  const third = portSession(ended.port1, 'dialler', silent);
  ended.port2.postMessage('end');
  expect(await third.closed).toMatchObject({ code: 'peer-gone' });
});

test('a far side that is gone without a word is found by keep-alive', async () => {
  const clock = new ManualClock();
  const { port1, port2 } = new MessageChannel();
  const other = portSession(port1, 'dialler', { session: { clock, keepAliveMs: 5000 } });
  const sending = other.open().send(1);
  sending.catch(() => undefined);
  await clock.advance(14_999);
  await clock.advance(1);
  expect(await other.closed).toMatchObject({ code: 'peer-gone' });
  await expect(sending).rejects.toMatchObject({ code: 'peer-gone' });
  expect(clock.pending).toBe(0);
  port2.close();
});

test('what is posted is never the memory of the sender', async () => {
  const { port1, port2 } = new MessageChannel();
  const [one, other] = [portSession(port1, 'dialler', silent), portSession(port2, 'listener', silent)];
  const { sender, receiver } = await openChannel<ByteReader>(one, other);
  const { reader, writer } = bytePipe();
  await sender.send(reader);
  const chunk = new Uint8Array(100_000).fill(1);
  for (let i = 0; i < 3; i++) await writer.write(chunk);
  writer.close();
  expect((await readAll((await take(receiver)).value)).length).toBe(300_000);
  expect(chunk.length).toBe(100_000);
  sender.close();
  await Promise.all([one.close(), other.close()]);
});

test('messages that carry no session are the affair of others', async () => {
  const { port1, port2 } = new MessageChannel();
  const sessions: Session[] = [];
  const listener = listenWorker(port1, (one) => void sessions.push(one), silent);
  const messages = [null, 'text', {}, { circuit: 'session' }, { circuit: 'session', port: {} }, { circuit: 'other' }];
  for (const message of messages) port2.postMessage(message);
  const dialled = dialWorker(port2, { name: 'below', ...silent });
  await until('the session', () => sessions.length === 1);
  const { sender, receiver } = await openChannel(dialled, sessions[0] as Session);
  await sender.send('through');
  expect((await take(receiver)).value).toBe('through');
  sender.close();
  await dialled.close();
  await listener.close();
  port1.close();
});
