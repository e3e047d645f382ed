import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { bytePipe, pipe, type Session } from '@circuit/channel';
import { ask, collect, readAll, take } from '@circuit/channel/conformance';
import { dialWorker, listenWorker } from '@circuit/channel/message-port';
import { until } from '@circuit/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startWorker } from '../support/worker.js';

let worker: Worker;
let session: Session;
/** 1 while the worker stands still. */
let flag: Int32Array;

beforeEach(async () => {
  const shared = new SharedArrayBuffer(4);
  flag = new Int32Array(shared);
  worker = await startWorker('serving-worker.ts', { workerData: shared });
  session = dialWorker(worker);
});

afterEach(async () => {
  session.abort();
  await worker.terminate();
});

/** A stream to the worker and back, on which a first byte has come. */
async function openBytes() {
  const bytes = session.open({ target: 'bytes' });
  const [input, output] = [bytePipe(), bytePipe()];
  await bytes.send({ input: input.reader, output: output.writer });
  await input.writer.write(new Uint8Array(1));
  expect((await output.reader.read())?.length).toBe(1);
  return { bytes, input, output };
}

test('requests, also with channels in them, are answered by a worker', async () => {
  const increment = session.open<number>({ target: 'increment' });
  const answers = await Promise.all(Array.from({ length: 1000 }, (_, i) => ask(increment, i)));
  expect(answers).toStrictEqual(Array.from({ length: 1000 }, (_, i) => i + 1));
  increment.close();
  const nested = session.open({ target: 'nested' });
  const [to, from] = [pipe(1), pipe<number>(1)];
  await nested.send({ to: to.sender, from: from.receiver });
  for (let i = 0; i < 100; i++) await from.sender.send(i);
  from.sender.close();
  expect(await collect(to.receiver)).toStrictEqual([{ sum: 4950 }]);
  nested.close();
  await nested.closed;
  await until('the table to be empty', () => session.stats.channels === 0);
  await session.close();
  expect(await session.closed).toBe(undefined);
});

test('1,000 events each way at once come and go beside other messages of the worker', async () => {
  const heard: unknown[] = [];
  worker.on('message', (message) => heard.push(message));
  const values = Array.from({ length: 1000 }, (_, i) => i);
  const rounds = Array.from({ length: 10 }, async () => {
    const sender = session.open<number>({ target: 'echo' });
    const sent = Promise.all(values.map((value) => sender.send(value)));
    sender.close();
    const echoed = await collect((await session.accept()).receiver);
    await sent;
    return echoed;
  });
  worker.postMessage('plain');
  for (const round of rounds) expect(await round).toStrictEqual(values);
  await until('the plain answer', () => heard.length > 0);
  expect(heard).toStrictEqual(['heard plain']);
});

test('a stream through a worker that stands still stops its writer, and goes on with it', async () => {
  const { bytes, input, output } = await openBytes();
  const stop = session.open({ target: 'stop' });
  stop.close();
  await until('the worker to stand still', () => Atomics.load(flag, 0) === 1);
  const whole = 20_000_000;
  let written = 0;
  const chunk = new Uint8Array(50_000).fill(7);
  const writing = (async () => {
    for (; written < whole; written += chunk.length) await input.writer.write(chunk);
    input.writer.close();
  })();
  await until('the window to be used up', () => session.stats.unsentBytes > 0);
  // The window of the port, what waits before it, and what the pipe holds.
  expect(written).toBeLessThan(3_000_000);
  Atomics.store(flag, 0, 0);
  Atomics.notify(flag, 0);
  const arrived = await readAll(output.reader);
  expect(arrived.length === whole && arrived.every((byte) => byte === 7)).toBe(true);
  await writing;
  bytes.close();
});

test.each(['terminate', 'crash'])('a worker that ends (%s) fails all that is open with peer-gone', async (how) => {
  // Without somebody who listens Node makes a crash of the worker one of the main thread.
  const crashed = how === 'crash' ? once(worker, 'error') : undefined;
  const { output } = await openBytes();
  const unread = session.open({ target: 'nobody' });
  const asking = await unread.send('question', { returns: true });
  const waiting = [
    output.reader.read(),
    session.accept(),
    unread.closed,
    asking.receive(),
    unread.send(new Uint8Array(10_000_000)),
  ];
  const outcomes = Promise.allSettled(waiting);
  if (how === 'terminate') await worker.terminate();
  else await session.open({ target: 'crash' }).send('now');
  for (const outcome of await outcomes)
    expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'peer-gone' } });
  expect(await session.closed).toMatchObject({
    code: 'peer-gone',
    message: 'message-port worker: the other side closed the port, or its thread has ended',
  });
  expect(session.stats).toMatchObject({ channels: 0, unsentBytes: 0 });
  expect((await crashed)?.[0]).toMatchObject(how === 'crash' ? { message: 'crashed on purpose' } : {});
});

test('a worker dials as well, until the listener is closed', async () => {
  const sessions: Session[] = [];
  const listener = listenWorker(worker, (one) => void sessions.push(one));
  worker.postMessage('dial me');
  await until('a session', () => sessions.length === 1);
  const [taken] = sessions;
  if (taken === undefined) throw new Error('no session');
  expect(taken.peer).toStrictEqual({ carrier: 'message-port', address: 'worker', local: true });
  const { receiver, target } = await taken.accept();
  expect([target, await collect(receiver)]).toStrictEqual(['from the worker', ['hello']]);
  await listener.close();
  await listener.close();
  worker.postMessage('dial me');
  worker.postMessage('are you there');
  await once(worker, 'message');
  await once(worker, 'message');
  expect(sessions.length).toBe(1);
  await taken.close();
});

test('what is dialled before the worker has begun waits for it; one that ends before is gone, one that has ended unreachable', async () => {
  const increment = session.open<number>({ target: 'increment' });
  expect(await ask(increment, 1)).toBe(2);
  increment.close();
  await increment.closed;
  const short = new Worker('process.exit(0)', { eval: true });
  expect(await dialWorker(short).closed).toMatchObject({ code: 'peer-gone' });
  await until('its thread to end', () => short.threadId === -1);
  expect(await dialWorker(short, { name: 'short' }).closed).toMatchObject({
    code: 'unreachable',
    message: 'dial message-port short: its thread has ended',
  });
});

test('several sessions with one worker are apart', async () => {
  const others = [dialWorker(worker), dialWorker(worker)];
  const senders = others.map((other) => other.open<number>({ target: 'increment' }));
  for (const sender of senders) expect(await ask(sender, 4)).toBe(5);
  others[0]?.abort();
  expect(await ask(senders[1] as (typeof senders)[0], 6)).toBe(7);
  const { value } = await take(await (senders[1] as (typeof senders)[0]).send(1, { returns: true }));
  expect(value).toBe(2);
  await others[1]?.close();
});
