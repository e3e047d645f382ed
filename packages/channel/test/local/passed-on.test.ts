import {
  bytePipe,
  FailOver,
  Hub,
  pipe,
  relay,
  relayBytes,
  type Receiver,
  type Sender,
  type Session,
} from '@circuit/channel';
import { ask, openChannel, type Pair, serve, take } from '@circuit/channel/conformance';
import { settle, until } from '@circuit/testkit';
import { expect, test } from 'vitest';
import { scopePerTest } from '../support/scope-per-test.js';
import { connectMemory } from '../support/transports.js';

const scope = scopePerTest();
const away = { a: { home: false }, b: { home: false } };

/** The two ends of a channel over two sessions, of which the middle has sent its receiver on. */
interface Joined {
  readonly sender: Sender;
  readonly receiver: Receiver;
  readonly first: Pair;
  readonly onward: Session;
}

/** In a message of the same codec its messages go on as they come, in one of another through a pump. */
async function joined(codec: string, maxPendingSends?: number): Promise<Joined> {
  const [first, second] = [await pairOf(), await pairOf(maxPendingSends)];
  const come = await openChannel(first.a, first.b);
  const carry = second.a.open({ codec });
  await carry.send(come.receiver);
  const { receiver } = await second.b.accept();
  return { sender: come.sender, receiver: (await take(receiver)).value as Receiver, first, onward: second.a };
}

/** So often there and back: whatever would go through has gone. */
async function wait({ a, b }: Pair): Promise<void> {
  const { sender, receiver } = await openChannel(a, b);
  const answering = serve(receiver, (value) => value);
  for (let i = 0; i < 100; i++) await ask(sender, i);
  sender.close();
  await answering;
}

async function pairOf(maxPendingSends?: number): Promise<Pair> {
  const pair = await connectMemory({ ...away, a: { home: false, limits: { maxPendingSends } } });
  scope.defer(() => pair.a.abort());
  scope.defer(() => pair.b.abort());
  return pair;
}

const codecs = [
  ['as it came', 'msgpack'],
  ['in another codec', 'json'],
] as const;

test.each(codecs)('what was taken right in front of a cancel is acknowledged, passed on %s', async (_how, codec) => {
  const { sender, receiver } = await joined(codec);
  const taken = receiver.receive().then((message) => {
    receiver.cancel(new Error('enough'));
    return message;
  });
  await sender.send('last', { acknowledged: true });
  expect(await taken).toMatchObject({ value: 'last' });
  await expect(sender.closed).rejects.toMatchObject({ message: 'enough' });
  await expect(sender.send('more')).rejects.toMatchObject({ message: 'enough' });
});

test.each(
  codecs,
)('messages of several pieces are acknowledged one by one, passed on %s where one at a time may ask for that', async (_how, codec) => {
  const { sender, receiver } = await joined(codec, 1);
  const bodies = ['a', 'b', 'c'].map((letter) => letter.repeat(200_000));
  const sends = Promise.all([
    ...bodies.map((body) => sender.send(body, { acknowledged: true })),
    sender.send('nobody has to say that it came'),
  ]);
  for (const body of bodies) expect((await take(receiver)).value).toBe(body);
  await sends;
  expect((await take(receiver)).value).toBe('nobody has to say that it came');
});

test.each(codecs)('what a cancel found untaken certainly was not taken, passed on %s', async (_how, codec) => {
  const { sender, receiver } = await joined(codec);
  const sent = expect(sender.send('one', { acknowledged: true })).rejects.toMatchObject({
    code: 'aborted',
    message: 'not me',
  });
  await settle();
  receiver.cancel(new Error('not me'));
  await sent;
});

test.each(codecs)('who loses the way onward leaves what it passed on in doubt, passed on %s', async (_how, codec) => {
  const main = await joined(codec);
  const spare = pipe<string>(1);
  const stack = new FailOver();
  stack.push(spare.sender);
  stack.push(main.sender);
  const sent = expect(stack.send('charge the card')).rejects.toMatchObject({ code: 'outcome-unknown' });
  expect(await main.receiver.receive()).toMatchObject({ value: 'charge the card' });
  main.onward.abort();
  await sent;
  expect(spare.receiver.tryReceive()).toBeUndefined();
});

test.each(
  codecs,
)('acknowledged messages wait at their sender while nobody takes them, passed on %s', async (_how, codec) => {
  const { sender, receiver, first, onward } = await joined(codec);
  const message = 'x'.repeat(60_000);
  const sends = Array.from({ length: 100 }, () => sender.send(message, { acknowledged: true }));
  await wait(first);
  expect(onward.stats.unsentBytes).toBeLessThan(1_000_000);
  expect(first.a.stats.unsentBytes).toBeGreaterThan(4_000_000);
  for (let i = 0; i < sends.length; i++) expect((await take(receiver)).value).toBe(message);
  await Promise.all(sends);
});

test('acknowledged messages to a pipe that went away wait at their sender while nobody reads it', async () => {
  const pair = await pairOf();
  const carry = await openChannel(pair.a, pair.b);
  const { sender, receiver } = pipe<string>(2);
  await carry.sender.send(sender);
  const far = (await take(carry.receiver)).value as Sender<string>;
  const message = 'x'.repeat(60_000);
  const sends = Array.from({ length: 100 }, (_, i) => far.send(`${i}${message}`, { acknowledged: true }));
  await wait(pair);
  expect(pair.b.stats.unsentBytes).toBeGreaterThan(4_000_000);
  for (let i = 0; i < sends.length; i++) expect((await take(receiver)).value).toBe(`${i}${message}`);
  await Promise.all(sends);
});

test.each(
  codecs,
)('a receive that waits when its receiver is moved takes nothing of what comes, passed on %s', async (_how, codec) => {
  const [first, second] = [await pairOf(), await pairOf()];
  const come = await openChannel(first.a, first.b);
  const waiting = expect(come.receiver.receive()).rejects.toMatchObject({ code: 'conflict' });
  const to = second.a.open({ codec });
  const { receiver } = await second.b.accept();
  relay(come.receiver, to);
  await waiting;
  const sent = come.sender.send('one', { acknowledged: true });
  expect((await take(receiver)).value).toBe('one');
  await sent;
});

test('a read that waits when its reader is moved takes none of the bytes', async () => {
  const pair = await pairOf();
  const carry = await openChannel(pair.a, pair.b);
  const { reader, writer } = bytePipe();
  await carry.sender.send(reader);
  const far = (await take(carry.receiver)).value as typeof reader;
  const waiting = expect(far.read()).rejects.toMatchObject({ code: 'conflict' });
  const into = bytePipe();
  relayBytes(far, into.writer);
  await waiting;
  await writer.write(Uint8Array.of(1, 2));
  expect(await into.reader.read()).toStrictEqual(Uint8Array.of(1, 2));
});

test.each([
  'a channel',
  'a pipe that went away',
])('a send that is given up behind its first byte leaves no return channel: %s', async (which) => {
  const pair = await pairOf();
  const carry = await openChannel(pair.a, pair.b);
  const inside = pipe<string>(4);
  let [sender, receiver]: [Sender, Receiver] = [carry.sender, carry.receiver];
  if (which !== 'a channel') {
    await carry.sender.send(inside.receiver);
    [sender, receiver] = [inside.sender, (await take(carry.receiver)).value as Receiver];
  }
  const before = [pair.a.stats.channels, pair.b.stats.channels];
  const giveUp = new AbortController();
  const sent = sender.send('question', { returns: true, acknowledged: true, signal: giveUp.signal });
  const refused = expect(sent).rejects.toMatchObject({ code: 'outcome-unknown' });
  await until('it to have arrived', () => pair.b.stats.unreadBytes > 0);
  giveUp.abort();
  await refused;
  const { ret } = await take(receiver);
  await expect(ret.closed).rejects.toMatchObject({ code: 'cancelled', message: 'nobody waits for an answer' });
  await until(
    'the return channel to be gone',
    () => pair.a.stats.channels === before[0] && pair.b.stats.channels === before[1],
  );
});

test('a fail-over stack and a hub go on to the next where the newest is a channel that this side opened', async () => {
  const [one, two] = [await pairOf(), await pairOf()];
  const [spare, main] = [await openChannel(one.a, one.b), await openChannel(two.a, two.b)];
  const stack = new FailOver();
  stack.push(spare.sender);
  stack.push(main.sender);
  const sent = stack.send('job');
  await until('it to wait at the newest', () => two.b.stats.unreadBytes > 0);
  main.receiver.cancel(new Error('not me'));
  expect((await take(spare.receiver)).value).toBe('job');
  await sent;

  const hub = new Hub<Uint8Array, string>();
  const [first, second] = [await openChannel<Uint8Array>(one.a, one.b), await openChannel<Uint8Array>(two.a, two.b)];
  hub.add(first.sender);
  const asked = hub.request(new Uint8Array(8_000_000));
  await until('the request to be under way', () => one.b.stats.unreadBytes > 0);
  first.receiver.cancel(new Error('not me'));
  hub.add(second.sender);
  const { value, ret } = await take(second.receiver);
  await ret.send(`${value.length} bytes`);
  expect(await asked).toBe('8000000 bytes');
});

test('a hub whose own side ends the session of a worker gives the request to the next, if it may be repeated', async () => {
  const [one, two] = [await pairOf(), await pairOf()];
  const [first, second] = [await openChannel<string>(one.a, one.b), await openChannel<string>(two.a, two.b)];
  const hub = new Hub<string, string>();
  hub.add(first.sender);
  const asked = hub.request('job', { repeat: true });
  await take(first.receiver);
  one.a.abort();
  hub.add(second.sender);
  const { ret } = await take(second.receiver);
  await ret.send('done');
  expect(await asked).toBe('done');

  const doubted = hub.request('again');
  await take(second.receiver);
  two.a.abort();
  await expect(doubted).rejects.toMatchObject({ code: 'outcome-unknown' });
});

test('what a worker aborts its answer with is its answer', async () => {
  const pair = await pairOf();
  const worker = await openChannel<string>(pair.a, pair.b);
  const hub = new Hub<string, string>();
  hub.add(worker.sender);
  const asked = expect(hub.request('job')).rejects.toMatchObject({ code: 'aborted', message: 'no such job' });
  const { ret } = await take(worker.receiver);
  ret.abort(new Error('no such job'));
  await asked;
  expect(hub.workers).toBe(1);
});
