import {
  bytePipe,
  type ByteReader,
  type ByteWriter,
  pipe,
  plugCodec,
  type Receiver,
  type Sender,
} from '@circuit/channel';
import { take } from '@circuit/channel/conformance';
import { settle, until } from '@circuit/testkit';
import { expect, test } from 'vitest';
import { type HomePair, homePair } from '../support/home-pair.js';

const tight = { limits: { windowBytes: 131_072, streamWindowBytes: 131_072 } };
const pair = (): Promise<HomePair> => homePair({ a: tight, b: tight });

/** How far things may have got when something happens; each row runs at each of them. */
const moments: readonly (readonly [string, (pair: HomePair) => Promise<void>])[] = [
  ['at once', () => Promise.resolve()],
  ['a turn later', () => settle()],
  ['a few turns later', () => turns(4)],
  ['when all is quiet', () => turns(40)],
];

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await settle();
}

/** A receiver on its way home with more than a window in front of it. */
async function comingHome({ forth, back }: HomePair): Promise<{ sender: Sender; receiver: Receiver }> {
  const { sender, receiver } = pipe(1);
  const away = await forth(receiver);
  for (let i = 0; i < 4; i++) sender.send(new Uint8Array(60_000)).catch(() => undefined);
  await settle();
  return { sender, receiver: await back(away) };
}

/** A sender on its way home with more than the local end takes in front of it. */
async function sendingHome({ forth, back }: HomePair): Promise<{ sender: Sender; receiver: Receiver }> {
  const { sender, receiver } = pipe();
  const far = await forth(sender);
  for (let i = 0; i < 4; i++) far.send(new Uint8Array(60_000)).catch(() => undefined);
  const home = await back(far);
  home.send('at home').catch(() => undefined);
  return { sender: home, receiver };
}

for (const [when, wait] of moments) {
  for (const [what, make] of [
    ['receiver', comingHome],
    ['sender', sendingHome],
  ] as const) {
    test(`an abort reaches the receiver ${when}, when a ${what} came home`, async () => {
      const two = await pair();
      const { sender, receiver } = await make(two);
      await wait(two);
      sender.abort(new Error('stop'));
      await expect(drain(receiver)).rejects.toMatchObject({ code: 'aborted', message: 'stop' });
      await expect(sender.send(1)).rejects.toMatchObject({ message: 'stop' });
      await expect(sender.closed).rejects.toMatchObject({ message: 'stop' });
      await two.settled();
    });

    test(`a cancel reaches the sender ${when}, when a ${what} came home`, async () => {
      const two = await pair();
      const { sender, receiver } = await make(two);
      await wait(two);
      const waiting = sender.send('never');
      receiver.cancel(new Error('no more'));
      await expect(waiting).rejects.toMatchObject({ code: 'aborted', message: 'no more' });
      await expect(sender.closed).rejects.toMatchObject({ message: 'no more' });
      await expect(drain(receiver)).rejects.toMatchObject({ message: 'no more' });
      await two.settled();
    });

    test(`when the other side dies ${when} with the rest of a ${what} on its hands, both ends hear of it`, async () => {
      const two = await pair();
      const { sender, receiver } = await make(two);
      await wait(two);
      await two.kill();
      await expect(drain(receiver)).rejects.toMatchObject({ code: 'peer-gone' });
      await expect(sender.send(1)).rejects.toMatchObject({ code: 'peer-gone' });
      await expect(sender.closed).rejects.toMatchObject({ code: 'peer-gone' });
    });

    test(`an end inside a message on its way is told when it is not delivered ${when}, for a ${what}`, async () => {
      const two = await pair();
      const { sender, receiver } = await make(two);
      const inner = pipe<number>(1);
      sender.send(inner.sender).catch(() => undefined);
      await wait(two);
      receiver.cancel(new Error('no more'));
      await expect(inner.receiver.receive()).rejects.toMatchObject({ code: 'undelivered' });
      await two.settled();
    });
  }
}

test('what has arrived up to the end is taken though the other side is dead, and the channel goes on', async () => {
  const two = await pair();
  const { sender, receiver } = pipe<number>(1);
  const away = await two.forth(receiver);
  await sender.send(1);
  await sender.send(2);
  const home = await two.back(away);
  // The pump, the other side and back again; nobody has taken anything here.
  await turns(20);
  await two.kill();
  await sender.send(3);
  sender.close();
  expect((await take(home)).value).toBe(1);
  expect((await take(home)).value).toBe(2);
  expect((await take(home)).value).toBe(3);
  expect((await home.receive()).done).toBe(true);
  await sender.closed;
});

test('a message that was never taken takes nothing home: its ends are told', async () => {
  const two = await pair();
  const [up, down] = [pipe<number>(1), pipe<number>(1)];
  const far = await two.forth({ to: up.sender, from: down.receiver });
  const other = two.b.open();
  const { receiver: unread } = await two.a.accept();
  await other.send(far);
  await settle();
  unread.cancel(new Error('not interested'));
  await expect(up.receiver.receive()).rejects.toMatchObject({ code: 'undelivered' });
  await expect(down.sender.closed).rejects.toMatchObject({ code: 'undelivered' });
  await two.settled();
});

test('a message whose body is malformed takes nothing home either', async () => {
  const broken = plugCodec({
    name: 'broken',
    encode: () => new Uint8Array(1),
    decode: () => {
      throw new Error('never decodes');
    },
  });
  const two = await homePair({ a: { codecs: [broken] }, b: { codecs: [broken] } });
  const up = pipe<number>(1);
  const far = await two.forth(up.sender);
  const other = two.b.open({ codec: 'broken' });
  const { receiver } = await two.a.accept();
  await other.send(1, { returnTo: far });
  await expect(receiver.receive()).rejects.toMatchObject({ code: 'protocol' });
  await expect(up.receiver.receive()).rejects.toMatchObject({ code: 'undelivered' });
  await two.settled();
});

test('streams: abort, cancel and a dead peer while both ends come home', async () => {
  for (const what of ['abort', 'cancel', 'kill'] as const) {
    const two = await pair();
    const { reader, writer } = bytePipe();
    const far = await two.forth<{ reader: ByteReader; writer: ByteWriter }>({ reader, writer });
    for (let i = 0; i < 5; i++) far.writer.write(new Uint8Array(60_000)).catch(() => undefined);
    await settle();
    const home = await two.back(far);
    const writing = home.writer.write(new Uint8Array(60_000));
    writing.catch(() => undefined);
    if (what === 'abort') home.writer.abort(new Error('stop'));
    else if (what === 'cancel') home.reader.cancel(new Error('stop'));
    else await two.kill();
    const reason = what === 'kill' ? { code: 'peer-gone' } : { code: 'aborted', message: 'stop' };
    await expect(readOn(home.reader)).rejects.toMatchObject(reason);
    await expect(writing).rejects.toMatchObject(reason);
    await expect(home.writer.closed).rejects.toMatchObject(reason);
    if (what === 'kill') continue;
    await two.settled();
  }
});

test('an orderly goodbye in the middle is the end of the channel, too', async () => {
  const two = await pair();
  const { sender, receiver } = await comingHome(two);
  await two.b.close();
  await expect(drain(receiver)).rejects.toMatchObject({ code: 'closed' });
  await expect(sender.closed).rejects.toMatchObject({ code: 'closed' });
  await until('the table to be empty', () => two.a.stats.channels === 0);
});

async function drain(receiver: Receiver): Promise<void> {
  while (!(await receiver.receive()).done);
}

async function readOn(reader: ByteReader): Promise<void> {
  while ((await reader.read()) !== undefined);
}
