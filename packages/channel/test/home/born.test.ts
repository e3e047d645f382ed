import type { CircuitError } from '@circuit/base';
import {
  bytePipe,
  type ByteReader,
  pipe,
  plugCodec,
  receiving,
  relay,
  type Receiver,
  select,
  type Sender,
  sending,
} from '@circuit/channel';
import { collect, readAll, take } from '@circuit/channel/conformance';
import { settle, until } from '@circuit/testkit';
import { describe, expect, test } from 'vitest';
import { homePair, openedAndBack, returnedAndBack } from '../support/home-pair.js';

for (const [what, make] of [
  ['a channel that was opened', openedAndBack],
  ['a channel for answers', returnedAndBack],
] as const) {
  describe(what, () => {
    test.each([1, 2])('goes on without the other side, over %i sessions', async (sessions) => {
      const one = await homePair();
      const two = sessions === 1 ? one : await homePair();
      const { sender, receiver } = await make<number>(one, two);
      await sender.send(1);
      expect((await take(receiver)).value).toBe(1);
      await Promise.all([one.settled(), two.settled()]);
      await one.kill();
      if (two !== one) await two.kill();
      await sender.send(2);
      await sender.send(3);
      sender.close();
      expect(await collect(receiver)).toStrictEqual([2, 3]);
      await sender.closed;
      await expect(sender.send(4)).rejects.toMatchObject({ code: 'closed' });
    });

    test('still copies what is sent, at the moment of the send', async () => {
      const one = await homePair();
      const { sender, receiver } = await make<unknown>(one);
      await one.settled();
      const value = { list: [1], bytes: Uint8Array.of(1, 2), none: undefined, big: 7n };
      const sent = sender.send(value);
      value.list.push(2);
      value.bytes[0] = 9;
      await sent;
      const got = (await take(receiver)).value;
      expect(got).toStrictEqual({ list: [1], bytes: Uint8Array.of(1, 2), none: undefined, big: 7n });
      await expect(sender.send(() => 0)).rejects.toMatchObject({ code: 'invalid' });
      await expect(sender.send(new Uint8Array(17_000_000))).rejects.toMatchObject({ code: 'limit' });
      await sender.send('still fine');
      expect((await take(receiver)).value).toBe('still fine');
    });

    test('carries ends, streams and answers as before', async () => {
      const one = await homePair();
      const { sender, receiver } = await make<unknown>(one);
      await one.settled();
      const [inner, bytes] = [pipe<number>(1), bytePipe()];
      const answers = await sender.send({ to: inner.sender, from: bytes.reader }, { returns: true });
      const { value, ret } = await take(receiver);
      const { to, from } = value as { to: Sender<number>; from: ByteReader };
      await to.send(5);
      to.close();
      expect(await collect(inner.receiver)).toStrictEqual([5]);
      await bytes.writer.write(Uint8Array.of(1));
      bytes.writer.close();
      expect(await readAll(from)).toStrictEqual(Uint8Array.of(1));
      await ret.send('yes');
      ret.close();
      expect(await collect(answers)).toStrictEqual(['yes']);
      sender.close();
      expect(await collect(receiver)).toStrictEqual([]);
      await sender.closed;
    });

    test('holds as much that nobody reads as before, and no more', async () => {
      const tight = { limits: { windowBytes: 131_072 } };
      const one = await homePair({ a: tight, b: tight });
      const { sender, receiver } = await make<Uint8Array>(one);
      await one.settled();
      let sent = 0;
      const sends = [...Array(20).keys()].map(async (i) => {
        await sender.send(new Uint8Array(30_000).fill(i));
        sent++;
      });
      for (let i = 0; i < 50; i++) await settle();
      expect([sent >= 4, sent < 12]).toStrictEqual([true, true]);
      expect(sender.trySend(new Uint8Array(1))).toBe(false);
      const got: (number | undefined)[] = [];
      for (let i = 0; i < 20; i++) got.push((await take(receiver)).value[0]);
      expect(got).toStrictEqual([...Array(20).keys()]);
      await Promise.all(sends);
    });

    test('abort and cancel reach the other end, with their reasons', async () => {
      const one = await homePair();
      const [first, second] = [await make<number>(one), await make<number>(one)];
      await first.sender.send(1);
      first.sender.abort(new Error('stop'));
      await expect(collect(first.receiver)).rejects.toMatchObject({ code: 'aborted', message: 'stop' });
      await expect(first.sender.closed).rejects.toMatchObject({ message: 'stop' });
      second.receiver.cancel(new Error('enough'));
      await expect(second.sender.closed).rejects.toMatchObject({ code: 'aborted', message: 'enough' });
      await expect(second.sender.send(1)).rejects.toMatchObject({ message: 'enough' });
      await expect(second.receiver.receive()).rejects.toMatchObject({ message: 'enough' });
      await one.settled();
    });

    test('a receive that waits, one that is given up, and select, before the change and after', async () => {
      const one = await homePair();
      const { sender, receiver } = await make<number>(one);
      const stop = new AbortController();
      const waits = [receiver.receive(), receiver.receive({ signal: stop.signal }), receiver.receive()];
      await one.settled();
      stop.abort();
      await expect(waits[1]).rejects.toMatchObject({ code: 'cancelled' });
      await sender.send(1);
      await sender.send(2);
      expect([await waits[0], await waits[2]]).toMatchObject([{ value: 1 }, { value: 2 }]);
      const got: unknown[] = [];
      const picked = select([receiving(receiver, (result) => got.push(result))]);
      await sender.send(3);
      await picked;
      await select([sending(sender, 4, () => got.push('sent'))]);
      expect(got).toMatchObject([{ value: 3 }, 'sent']);
      expect((await take(receiver)).value).toBe(4);
      expect(receiver.tryReceive()).toBeUndefined();
      expect(sender.trySend(5)).toBe(true);
      await until('it to arrive', () => {
        const result = receiver.tryReceive();
        return result?.done === false && result.value === 5;
      });
    });

    test('acknowledged sends, of before and after, are acknowledged', async () => {
      const one = await homePair();
      const { sender, receiver } = await make<number>(one);
      const acks = [sender.send(1, { acknowledged: true }), sender.send(2, { acknowledged: true })];
      expect((await take(receiver)).value).toBe(1);
      expect((await take(receiver)).value).toBe(2);
      await Promise.all(acks);
    });

    test('is relayed from and to, with all that comes through it', async () => {
      const one = await homePair();
      const [near, far] = [await make<unknown>(one), await make<unknown>(one)];
      await one.settled();
      // What is sent on `near` goes on to `far`.
      relay(near.receiver, far.sender);
      const inner = pipe<number>(1);
      const answers = await near.sender.send(inner.sender, { returns: true });
      const { value, ret } = await take(far.receiver);
      await (value as Sender<number>).send(1);
      expect((await take(inner.receiver)).value).toBe(1);
      await ret.send(2);
      ret.close();
      expect(await collect(answers)).toStrictEqual([2]);
      near.sender.close();
      expect(await collect(far.receiver)).toStrictEqual([]);
      await near.sender.closed;
      await one.settled();
    });

    test('goes away once more and works', async () => {
      const one = await homePair();
      const { sender, receiver } = await make<number>(one);
      await sender.send(1);
      const far = await one.forth({ sender, receiver });
      await far.sender.send(2);
      expect((await take(far.receiver)).value).toBe(1);
      const home = await one.back(far);
      await home.sender.send(3);
      home.sender.close();
      expect(await collect(home.receiver)).toStrictEqual([2, 3]);
      await one.settled();
    });
  });
}

test('what was sent the long way comes first, more than a window of it, with closed promised before the change', async () => {
  const tight = { limits: { windowBytes: 131_072 } };
  const one = await homePair({ a: tight, b: tight });
  const { sender, receiver: far } = await one.openForth();
  const { closed } = sender;
  let over = false;
  void closed.then(() => (over = true));
  const sends = [...Array(12).keys()].map((i) => sender.send([i, new Uint8Array(40_000)]));
  const home = (await one.back(far)) as Receiver<[number, Uint8Array]>;
  const later = [...Array(12).keys()].map((i) => sender.send([12 + i, new Uint8Array(40_000)]));
  for (let i = 0; i < 24; i++) expect((await take(home)).value[0]).toBe(i);
  await Promise.all([...sends, ...later]);
  await one.settled();
  expect(over).toBe(false);
  sender.close();
  expect((await home.receive()).done).toBe(true);
  await closed;
});

test.each([
  'opened',
  'for answers',
])('when the other side dies with the rest of a channel %s on its hands, both ends hear of it', async (which) => {
  const tight = { limits: { windowBytes: 131_072 } };
  const one = await homePair({ a: tight, b: tight });
  let sender: Sender;
  let receiver: Receiver;
  if (which === 'opened') {
    const channel = await one.openForth();
    ({ sender } = channel);
    for (let i = 0; i < 12; i++) sender.send(new Uint8Array(40_000)).catch(() => undefined);
    await settle();
    receiver = await one.back(channel.receiver);
  } else {
    const requests = await one.openForth();
    receiver = await requests.sender.send('?', { returns: true });
    const { ret } = await take(requests.receiver);
    for (let i = 0; i < 12; i++) ret.send(new Uint8Array(40_000)).catch(() => undefined);
    await settle();
    sender = await one.back(ret);
  }
  // Whether this one waits is up to the window; that it arrived nobody says.
  const late = sender.send('late', { acknowledged: true });
  late.catch(() => undefined);
  await one.kill();
  await expect(collect(receiver)).rejects.toMatchObject({ code: 'peer-gone' });
  expect(['peer-gone', 'outcome-unknown']).toContain(
    await late.catch((error: unknown) => (error as CircuitError).code),
  );
  await expect(sender.closed).rejects.toMatchObject({ code: 'peer-gone' });
  await expect(sender.send(1)).rejects.toMatchObject({ code: 'peer-gone' });
});

test('the codec of the channel goes on, with what it refuses', async () => {
  const upper = plugCodec({
    name: 'upper',
    encode: (value) => Buffer.from(String(value).toUpperCase()),
    decode: (bytes) => Buffer.from(bytes).toString(),
  });
  const one = await homePair({ a: { codecs: [upper] }, b: { codecs: [upper] } });
  for (const codec of ['upper', 'json']) {
    const sender = one.a.open({ codec });
    const home = await one.back((await one.b.accept()).receiver);
    await one.settled();
    await sender.send('word');
    expect((await take(home)).value).toBe(codec === 'upper' ? 'WORD' : 'word');
    sender.close();
    await expect(home.receive()).resolves.toMatchObject({ done: true });
  }
});

test('a thousand answers come home, and nothing is left of them', async () => {
  const [one, two] = [await homePair(), await homePair()];
  const requests = await one.openForth();
  const worker = await two.openForth();
  // The other side hands every request on to a worker in this very process, with its return channel.
  const handing = (async () => {
    for (;;) {
      const message = await requests.receiver.receive();
      if (message.done) return;
      await two.back(message.ret).then((ret) => ret.send(message.value).then(() => ret.close()));
    }
  })();
  const answers = await Promise.all(
    [...Array(1000).keys()].map(async (i) => collect(await requests.sender.send(i, { returns: true }))),
  );
  expect(answers).toStrictEqual([...Array(1000).keys()].map((i) => [i]));
  requests.sender.close();
  await handing;
  worker.sender.close();
  expect((await worker.receiver.receive()).done).toBe(true);
  await Promise.all([one.settled(), two.settled()]);
});

test('a cancel that overtakes the acknowledgement of what came the long way leaves it in doubt', async () => {
  const pair = await homePair();
  const { sender, receiver } = await openedAndBack<number>(pair);
  await pair.settled();
  const away = await pair.forth(receiver);
  const acknowledged = sender.send(1, { acknowledged: true });
  await until('it to wait on the other side', () => pair.b.stats.unreadBytes > 0);
  const home = await pair.back(away);
  expect((await take(home)).value).toBe(1);
  home.cancel();
  await expect(acknowledged).rejects.toMatchObject({ code: 'outcome-unknown' });
  await expect(sender.closed).rejects.toMatchObject({ code: 'aborted' });
  await pair.close();
});

test('who waits for an acknowledgement gets it when what came the long way is read, though the session of that way is gone', async () => {
  const [one, two] = [await homePair(), await homePair()];
  const { sender, receiver } = await openedAndBack<number>(one);
  await one.settled();
  const away = await one.forth(receiver);
  const acknowledged = sender.send(1, { acknowledged: true });
  await until('it to wait on the other side', () => one.b.stats.unreadBytes > 0);
  const home = await two.back(away);
  await settle();
  await one.kill();
  expect((await take(home)).value).toBe(1);
  void sender.send(2);
  expect((await take(home)).value).toBe(2);
  await acknowledged;
  sender.close();
  expect(await collect(home)).toStrictEqual([]);
  await two.close();
});
