import {
  bytePipe,
  type ByteReader,
  type ByteWriter,
  pipe,
  receiving,
  type Receiver,
  select,
  type Sender,
  sending,
} from '@circuit/channel';
import { collect, readAll, take } from '@circuit/channel/conformance';
import { settle } from '@circuit/testkit';
import { expect, test } from 'vitest';
import { homePair } from '../support/home-pair.js';

test('a receiver that came home goes on without the other side', async () => {
  const pair = await homePair();
  const { sender, receiver } = pipe<number>(2);
  const home = await pair.back(await pair.forth(receiver));
  await sender.send(1);
  expect((await take(home)).value).toBe(1);
  await pair.settled();
  await pair.kill();
  await sender.send(2);
  await sender.send(3);
  expect((await take(home)).value).toBe(2);
  sender.close();
  expect(await collect(home)).toStrictEqual([3]);
  await sender.closed;
});

test('a sender that came home goes on without the other side', async () => {
  const pair = await homePair();
  const { sender, receiver } = pipe<number>(2);
  const far = await pair.forth(sender);
  await far.send(1);
  const home = await pair.back(far);
  await home.send(2);
  expect((await take(receiver)).value).toBe(1);
  await pair.settled();
  await pair.kill();
  await home.send(3);
  expect((await take(receiver)).value).toBe(2);
  home.close();
  expect(await collect(receiver)).toStrictEqual([3]);
  await home.closed;
  await expect(home.send(4)).rejects.toMatchObject({ code: 'closed' });
});

test('a reader and a writer of bytes that came home go on without the other side', async () => {
  const pair = await homePair();
  const [up, down] = [bytePipe(), bytePipe()];
  const far = await pair.forth({ writer: up.writer, reader: down.reader });
  await far.writer.write(Uint8Array.of(1, 2));
  await down.writer.write(Uint8Array.of(1, 2));
  const home = await pair.back(far);
  await home.writer.write(Uint8Array.of(3));
  await down.writer.write(Uint8Array.of(3));
  expect(await home.reader.read()).toStrictEqual(Uint8Array.of(1, 2));
  expect(await home.reader.read()).toStrictEqual(Uint8Array.of(3));
  await pair.settled();
  await pair.kill();
  await home.writer.write(Uint8Array.of(4));
  home.writer.close();
  expect(await readAll(up.reader)).toStrictEqual(Uint8Array.of(1, 2, 3, 4));
  await home.writer.closed;
  await down.writer.write(Uint8Array.of(4));
  down.writer.close();
  expect(await readAll(home.reader)).toStrictEqual(Uint8Array.of(4));
});

test('what left before comes first: more than a window of it, large messages, sends in flight on either side', async () => {
  const pair = await homePair({ a: { limits: { windowBytes: 131_072 } }, b: { limits: { windowBytes: 131_072 } } });
  const sizes = [...Array(300).keys()].map((i) => (i % 50 === 7 ? 200_000 + i : 5000 + i));
  const out = pipe<Uint8Array>(3);
  const sending = (async () => {
    for (const size of sizes) await out.sender.send(new Uint8Array(size));
    out.sender.close();
  })();
  const away = await pair.forth(out.receiver);
  const taken = [(await take(away)).value.length, (await take(away)).value.length];
  await settle();
  const home = await pair.back(away);
  for await (const bytes of home) taken.push(bytes.length);
  expect(taken).toStrictEqual(sizes);
  await sending;
  await pair.settled();

  const into = pipe<Uint8Array>(3);
  const far = await pair.forth(into.sender);
  const farSends = sizes.map((size) => far.send(new Uint8Array(size)));
  const back = await pair.back(far);
  const nearSends = sizes.map((size) => back.send(new Uint8Array(size)));
  back.close();
  const lengths = (await collect(into.receiver)).map((bytes) => bytes.length);
  expect(lengths).toStrictEqual([...sizes, ...sizes]);
  await Promise.all([...farSends, ...nearSends, back.closed]);
  await pair.settled();
  await pair.kill();
});

test('receives that wait are served in their order across the change, and one that is given up loses nothing', async () => {
  const pair = await homePair();
  const { sender, receiver } = pipe<number>();
  const home = await pair.back(await pair.forth(receiver));
  const stop = new AbortController();
  const results = [home.receive(), home.receive({ signal: stop.signal }), home.receive(), home.receive()];
  stop.abort();
  await expect(results[1]).rejects.toMatchObject({ code: 'cancelled' });
  const sent = [1, 2, 3].map((n) => sender.send(n));
  const late = home.receive();
  expect((await results[0])?.value).toBe(1);
  expect((await results[2])?.value).toBe(2);
  expect((await results[3])?.value).toBe(3);
  await Promise.all(sent);
  await pair.settled();
  const dropped = home.receive({ signal: AbortSignal.abort() });
  await expect(dropped).rejects.toMatchObject({ code: 'cancelled' });
  await sender.send(4);
  expect((await late).value).toBe(4);
});

test('at home the capacity is the pipe’s own: an unbuffered send waits until it is taken, select meets select', async () => {
  const pair = await homePair();
  const { sender, receiver } = pipe<number>();
  const home = await pair.back(await pair.forth({ sender, receiver }));
  const first = home.sender.send(1);
  expect((await take(home.receiver)).value).toBe(1);
  await first;
  await pair.settled();
  let taken = false;
  const second = home.sender.send(2).then(() => (taken = true));
  await settle();
  expect(taken).toBe(false);
  expect(home.sender.trySend(3)).toBe(false);
  expect((await take(home.receiver)).value).toBe(2);
  await second;
  const got = select([receiving(home.receiver, (message) => message.value)]);
  await select([sending(home.sender, 4, () => undefined)]);
  expect(await got).toBe(4);
  await pair.kill();
});

test('a select that began before the change goes on behind it', async () => {
  const pair = await homePair();
  const { sender, receiver } = pipe<number>(1);
  await pair.forth(0);
  const far = await pair.forth({ sender, receiver });
  const home = await pair.back(far);
  const got = select([receiving(home.receiver, (message) => message.value)]);
  const put = select([sending(home.sender, 7, () => 'sent')]);
  expect([await put, await got]).toStrictEqual(['sent', 7]);
  await pair.settled();
  await pair.kill();
});

test('an acknowledged send from afar and one from home resolve when their messages are taken', async () => {
  const pair = await homePair();
  const { sender, receiver } = pipe<number>(4);
  const far = await pair.forth(sender);
  const done: number[] = [];
  const first = far.send(1, { acknowledged: true }).then(() => done.push(1));
  const home = await pair.back(far);
  const second = home.send(2, { acknowledged: true }).then(() => done.push(2));
  await settle();
  expect(done).toStrictEqual([]);
  expect((await take(receiver)).value).toBe(1);
  await first;
  await pair.settled();
  expect(done).toStrictEqual([1]);
  expect((await take(receiver)).value).toBe(2);
  await second;
  home.close();
  expect(await collect(receiver)).toStrictEqual([]);
});

test('a request through ends that came home is answered, and its return channel needs nobody else', async () => {
  const pair = await homePair();
  const { sender, receiver } = pipe<string>(1);
  const away = await pair.forth(receiver);
  const asked = sender.send('on its way', { returns: true });
  const home = await pair.back(away);
  const { value, ret } = await take(home);
  expect(value).toBe('on its way');
  await ret.send('answer');
  const answers = await asked;
  expect((await take(answers)).value).toBe('answer');
  await pair.settled();
  await pair.kill();
  await ret.send('another');
  ret.close();
  expect(await collect(answers)).toStrictEqual(['another']);
  const again = await sender.send('here', { returns: true });
  const { ret: back } = await take(home);
  await back.send('too');
  back.close();
  expect(await collect(again)).toStrictEqual(['too']);
});

test('a channel that comes home carries channels that come home', async () => {
  const pair = await homePair();
  const outer = pipe<{ inner: Receiver<Sender<string>> }>(1);
  const inner = pipe<Sender<string>>(1);
  const words = pipe<string>(1);
  const away = await pair.forth(outer.receiver);
  await outer.sender.send({ inner: inner.receiver });
  await inner.sender.send(words.sender);
  await settle();
  const home = await pair.back(away);
  const { value } = await take(home);
  const { value: say } = await take(value.inner);
  await say.send('deep');
  expect((await take(words.receiver)).value).toBe('deep');
  await pair.settled();
  await pair.kill();
  await say.send('down');
  say.close();
  expect(await collect(words.receiver)).toStrictEqual(['down']);
  inner.sender.close();
  expect(await collect(value.inner)).toStrictEqual([]);
});

test('back and forth a hundred times with traffic, and at the end nothing is in between', async () => {
  const pair = await homePair();
  const ends: { sender: Sender<number>; receiver: Receiver<number> } = pipe<number>(1);
  let { sender, receiver } = ends;
  const taken: number[] = [];
  for (let i = 0; i < 100; i++) {
    const sent = sender.send(i);
    if (i % 3 !== 0) receiver = await pair.back(await pair.forth(receiver));
    if (i % 4 !== 0) sender = await pair.back(await pair.forth(sender));
    taken.push((await take(receiver)).value);
    await sent;
  }
  expect(taken).toStrictEqual([...Array(100).keys()]);
  await pair.settled();
  await pair.kill();
  await sender.send(100);
  expect((await take(receiver)).value).toBe(100);
});

test('an end that leaves again while it is still coming home keeps its order and comes home in the end', async () => {
  const pair = await homePair();
  let { sender, receiver }: { sender: Sender<number>; receiver: Receiver<number> } = pipe<number>(2);
  const sends: Promise<void>[] = [];
  let next = 0;
  for (let i = 0; i < 10; i++) {
    for (let k = 0; k < 3; k++) sends.push(sender.send(next++));
    const far = await pair.forth({ sender, receiver });
    for (let k = 0; k < 3; k++) sends.push(far.sender.send(next++));
    ({ sender, receiver } = await pair.back(far));
  }
  sender.close();
  expect(await collect(receiver)).toStrictEqual([...Array(next).keys()]);
  await Promise.all(sends);
  await pair.settled();
  await pair.kill();
});

test('an end that goes back to where it was, by way of a third, runs through all of them', async () => {
  // Another process would be the far side.
  const [near, far] = [await homePair(), await homePair({ b: { home: false } })];
  const { sender, receiver } = pipe<number>(1);
  // Home, the middle, the far side, the middle again, home again.
  const middle = await far.back(await far.forth(await near.forth(receiver)));
  const home = await near.back(middle);
  await sender.send(1);
  expect((await take(home)).value).toBe(1);
  await near.settled(2);
  await sender.send(2);
  sender.close();
  expect(await collect(home)).toStrictEqual([2]);
  await Promise.all([near.settled(), far.settled()]);
});

test('ends that come home over another session go on without the other side', async () => {
  const [one, two] = [await homePair(), await homePair()];
  const [up, down, bytesUp, bytesDown] = [pipe<number>(2), pipe<number>(2), bytePipe(), bytePipe()];
  const out = { to: up.sender, from: down.receiver, writer: bytesUp.writer, reader: bytesDown.reader };
  const far = await one.forth(out);
  await down.sender.send(1);
  await far.to.send(1);
  await far.writer.write(Uint8Array.of(1));
  await bytesDown.writer.write(Uint8Array.of(1));
  const home = await two.back(far);
  await down.sender.send(2);
  await home.to.send(2);
  await home.writer.write(Uint8Array.of(2));
  await bytesDown.writer.write(Uint8Array.of(2));
  for (const number of [1, 2]) {
    expect((await take(home.from)).value).toBe(number);
    expect((await take(up.receiver)).value).toBe(number);
    expect(await home.reader.read()).toStrictEqual(Uint8Array.of(number));
    expect(await bytesUp.reader.read()).toStrictEqual(Uint8Array.of(number));
  }
  await Promise.all([one.settled(), two.settled()]);
  await one.kill();
  await two.kill();
  await down.sender.send(3);
  expect((await take(home.from)).value).toBe(3);
  await home.to.send(3);
  expect((await take(up.receiver)).value).toBe(3);
  await bytesDown.writer.write(Uint8Array.of(3));
  expect(await home.reader.read()).toStrictEqual(Uint8Array.of(3));
  await home.writer.write(Uint8Array.of(3));
  expect(await bytesUp.reader.read()).toStrictEqual(Uint8Array.of(3));
});

test.each([
  ['the session it left by', 'peer-gone'],
  // The process in the middle lives and passes its reason on.
  ['the session it came by', 'aborted'],
] as const)('with more than a window under way, the end of %s is that of the channel', async (which, code) => {
  const tight = { limits: { windowBytes: 131_072, streamWindowBytes: 131_072 } };
  const [one, two] = [await homePair({ a: tight, b: tight }), await homePair({ a: tight, b: tight })];
  const { sender, receiver } = pipe<Uint8Array>(1);
  const away = await one.forth(receiver);
  for (let i = 0; i < 12; i++) sender.send(new Uint8Array(60_000)).catch(() => undefined);
  await settle();
  const home = await two.back(away);
  await (which === 'the session it left by' ? one : two).kill();
  await expect(collect(home)).rejects.toMatchObject({ code });
  await expect(sender.closed).rejects.toMatchObject({ code });
});

test('over another session in order, with sends in flight on either side', async () => {
  const tight = { limits: { windowBytes: 131_072, streamWindowBytes: 131_072 } };
  const [one, two] = [await homePair({ a: tight, b: tight }), await homePair({ a: tight, b: tight })];
  const sizes = [...Array(200).keys()].map((i) => (i % 50 === 7 ? 200_000 + i : 5000 + i));
  const into = pipe<Uint8Array>(3);
  const far = await one.forth(into.sender);
  const farSends = sizes.map((size) => far.send(new Uint8Array(size)));
  const back = await two.back(far);
  const nearSends = sizes.map((size) => back.send(new Uint8Array(size)));
  back.close();
  expect((await collect(into.receiver)).map(({ length }) => length)).toStrictEqual([...sizes, ...sizes]);
  await Promise.all([...farSends, ...nearSends, back.closed]);
  await Promise.all([one.settled(), two.settled()]);
});

test('an end is an end like others where one of the two sessions says nothing of its process', async () => {
  for (const quiet of ['one', 'two'] as const) {
    const [one, two] = [
      await homePair({ a: { home: quiet !== 'one' } }),
      await homePair({ a: { home: quiet !== 'two' } }),
    ];
    const { sender, receiver } = pipe<number>(1);
    const home = await two.back(await one.forth(receiver));
    await sender.send(1);
    expect((await take(home)).value).toBe(1);
    await Promise.all([one.settled(1), two.settled(1)]);
    await sender.send(2);
    sender.close();
    expect(await collect(home)).toStrictEqual([2]);
    await Promise.all([one.settled(), two.settled()]);
  }
});

test('an end comes home with another codec on the way back, too', async () => {
  const pair = await homePair();
  const json = pair.b.open({ codec: 'json' });
  const { receiver: accepted } = await pair.a.accept();
  const { sender, receiver } = pipe<number>(1);
  const away = await pair.forth(receiver);
  await sender.send(1);
  await json.send(away);
  const home = (await take(accepted)).value as Receiver<number>;
  expect((await take(home)).value).toBe(1);
  json.close();
  await collect(accepted);
  await pair.settled();
  await pair.kill();
  await sender.send(2);
  sender.close();
  expect(await collect(home)).toStrictEqual([2]);
});

test('a closed sender that is sent home stays closed', async () => {
  const pair = await homePair();
  const { sender, receiver } = pipe<number>();
  const far = await pair.forth(sender);
  const last = far.send(1);
  far.close();
  const home = await pair.back(far);
  await expect(home.send(2)).rejects.toMatchObject({ code: 'closed' });
  expect(await collect(receiver)).toStrictEqual([1]);
  await last;
  await pair.settled();
});

test('bytes under way in both directions are neither lost nor doubled when both ends turn round', async () => {
  const pair = await homePair();
  const { reader, writer } = bytePipe(10_000);
  const far = await pair.forth<{ reader: ByteReader; writer: ByteWriter }>({ reader, writer });
  const writes: Promise<void>[] = [];
  const write = (to: ByteWriter, from: number): void => {
    for (let i = from; i < from + 50; i++) writes.push(to.write(new Uint8Array(7000).fill(i)));
  };
  write(far.writer, 0);
  const home = await pair.back(far);
  write(home.writer, 50);
  home.writer.close();
  const bytes = await readAll(home.reader);
  expect(bytes.length).toBe(700_000);
  expect(bytes.every((byte, i) => byte === Math.floor(i / 7000))).toBe(true);
  await Promise.all(writes);
  await pair.settled();
});

test('what came the long way is taken when it is read, not when its end comes home, once or twice', async () => {
  for (const trips of [1, 2]) {
    const pair = await homePair();
    const [channel, stream] = [pipe<number>(2), bytePipe()];
    let ends = await pair.forth({ receiver: channel.receiver, reader: stream.reader });
    const acknowledged = channel.sender.send(1, { acknowledged: true });
    await stream.writer.write(Uint8Array.of(1));
    ends = await pair.back(ends);
    if (trips === 2) ends = await pair.back(await pair.forth(ends));
    channel.sender.close();
    stream.writer.close();
    const said: string[] = [];
    const closed = [
      channel.sender.closed.then(() => said.push('sent')),
      stream.writer.closed.then(() => said.push('written')),
    ];
    await settle();
    expect(said).toStrictEqual([]);
    expect(await collect(ends.receiver)).toStrictEqual([1]);
    expect(await readAll(ends.reader)).toStrictEqual(Uint8Array.of(1));
    await Promise.all([acknowledged, ...closed]);
    await pair.close();
  }
});

test('a writer hears of what came the long way and was never read', async () => {
  const pair = await homePair();
  const { writer, reader } = bytePipe();
  const far = await pair.forth(reader);
  await writer.write(Uint8Array.of(1));
  const home = await pair.back(far);
  writer.close();
  await settle();
  home.cancel();
  await expect(writer.closed).rejects.toMatchObject({ code: 'aborted' });
  await pair.close();
});
