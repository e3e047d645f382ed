import { CircuitError } from '@circuit/base';
import {
  ChannelSession,
  memoryPair,
  pipe,
  receiving,
  type Receiver,
  select,
  type Sender,
  sending,
} from '@circuit/channel';
import { collect, take } from '@circuit/channel/conformance';
import { settle } from '@circuit/testkit';
import { describe, expect, test, vi } from 'vitest';
import * as frameType from '../../src/wire/frame-type.js';
import * as refKind from '../../src/wire/ref-kind.js';
import { homePair, openedAndBack, returnedAndBack } from '../support/home-pair.js';
import { closingPair } from '../support/closing-pair.js';
import { data, frame, hello, open, RawPeer, varint } from '../support/raw-peer.js';

const windowBytes = 131_072;

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await settle();
}

/** The peer's reference 4 stands alone in a message on its channel 2, and is `own`. */
async function bring(peer: RawPeer, kind: number, own: number): Promise<unknown> {
  await peer.feed(
    open(2),
    frame(frameType.home, 4, varint(own)),
    data(2, [0x91, 0xd4, 0, 0], 2, [1, kind, ...varint(4)]),
  );
  return ((await take((await peer.session.accept()).receiver)).value as [unknown])[0];
}

/** A peer that says nothing by itself, and the sender of channel 1, opened by this side. */
async function openRaw(): Promise<{ peer: RawPeer; sender: Sender }> {
  const peer = new RawPeer('dialler');
  await peer.feed(hello({ windowBytes }));
  const sender = peer.session.open();
  await peer.frames();
  return { peer, sender };
}

/** As {@link openRaw}, with the receiver of answers (3). */
async function askRaw(): Promise<{ peer: RawPeer; receiver: Receiver }> {
  const { peer, sender } = await openRaw();
  return { peer, receiver: await sender.send('?', { returns: true }) };
}

describe('while the other side has said nothing of the end', () => {
  test('a select that waits to send goes on inside the process', async () => {
    const { peer, sender } = await openRaw();
    // All of the credit, to the byte: 32 for a message, 3 for the head of its bytes.
    for (let i = 0; i < 2; i++) expect(sender.trySend(new Uint8Array(windowBytes / 2 - 35))).toBe(true);
    expect(sender.trySend(0)).toBe(false);
    const sent = select([sending(sender, 'last', () => 'sent')]);
    await settle();
    const receiver = (await bring(peer, refKind.receiver, 1)) as Receiver;
    expect(await sent).toBe('sent');
    await peer.feed(frame(frameType.close, 4));
    expect((await take(receiver)).value).toBe('last');
    peer.session.abort();
  });

  test('what is sent home is a copy of the moment', async () => {
    const { peer, receiver } = await askRaw();
    const sender = (await bring(peer, refKind.sender, 3)) as Sender;
    const value = { list: [1] };
    const sent = sender.send(value);
    value.list.push(2);
    await expect(sender.send(() => 0)).rejects.toMatchObject({ code: 'invalid' });
    await peer.feed(frame(frameType.close, 3));
    await sent;
    expect((await take(receiver)).value).toStrictEqual({ list: [1] });
    peer.session.abort();
  });

  test('an abort of the sender that is home reaches who waits, and drops what is still on its way', async () => {
    const { peer, receiver } = await askRaw();
    await peer.feed(data(3, [0x01]));
    const sender = (await bring(peer, refKind.sender, 3)) as Sender;
    sender.abort(new Error('stop'));
    await turns(10);
    await expect(receiver.receive()).rejects.toMatchObject({ code: 'aborted', message: 'stop' });
    const said = (await peer.frames()).filter(({ id }) => id === 3 || id === 4);
    expect(said.map(({ type, id }) => [type, id])).toStrictEqual([
      [frameType.close, 4],
      [frameType.cancel, 3],
    ]);
    await peer.feed(frame(frameType.close, 3), frame(frameType.done, 4));
    peer.session.abort();
  });

  test('a cancel of the receiver that is home reaches the sender, and the other side', async () => {
    const { peer, sender } = await openRaw();
    const receiver = (await bring(peer, refKind.receiver, 1)) as Receiver;
    receiver.cancel(new Error('enough'));
    await turns(10);
    await expect(sender.send(1)).rejects.toMatchObject({ code: 'aborted', message: 'enough' });
    expect((await peer.frames()).map(({ type, id }) => [type, id])).toContainEqual([frameType.cancel, 4]);
    peer.session.abort();
  });

  test.each(['receive', 'select'])('a %s that waits is served from inside the process', async (how) => {
    const { peer, receiver } = await askRaw();
    const sender = (await bring(peer, refKind.sender, 3)) as Sender<number>;
    const got = how === 'receive' ? receiver.receive() : select([receiving(receiver, (result) => result)]);
    await turns(3);
    await peer.feed(frame(frameType.close, 3));
    await sender.send(1);
    await sender.send(2);
    sender.close();
    expect((await got).value).toBe(1);
    expect(await collect(receiver)).toStrictEqual([2]);
    await sender.closed;
    peer.session.abort();
  });

  test('a clean end in front of what still waits to be sent fails the channel', async () => {
    const { peer, sender } = await openRaw();
    for (let i = 0; i < 4; i++) sender.send(new Uint8Array(60_000)).catch(() => undefined);
    const receiver = (await bring(peer, refKind.receiver, 1)) as Receiver;
    await peer.feed(frame(frameType.close, 4));
    await expect(receiver.receive()).rejects.toMatchObject({ code: 'protocol' });
    await turns(10);
    await expect(sender.send(1)).rejects.toMatchObject({ code: 'protocol' });
    peer.session.abort();
  });

  test.each(['close', 'abort'] as const)('a session that ends by %s takes the channel with it', async (how) => {
    const { peer, sender } = await openRaw();
    const receiver = (await bring(peer, refKind.receiver, 1)) as Receiver;
    const asked = await askRaw();
    const home = (await bring(asked.peer, refKind.sender, 3)) as Sender;
    const code = how === 'close' ? 'closed' : 'aborted';
    for (const one of [peer, asked.peer]) {
      if (how === 'abort') one.session.abort();
      else {
        const closing = one.session.close();
        await turns(3);
        one.hangUp();
        await closing;
      }
    }
    await expect(receiver.receive()).rejects.toMatchObject({ code });
    await expect(sender.closed).rejects.toMatchObject({ code });
    await expect(asked.receiver.receive()).rejects.toMatchObject({ code });
    await expect(home.closed).rejects.toMatchObject({ code });
  });
});

test('when the session of a channel dies while its clean end comes over another, that is the reason', async () => {
  const { peer, sender } = await openRaw();
  const receiver = (await bring(peer, refKind.receiver, 1)) as Receiver;
  sender.send('under way').catch(() => undefined);
  (sender as unknown as { fail(reason: CircuitError): void }).fail(new CircuitError('peer-gone', 'gone'));
  await peer.feed(frame(frameType.close, 4));
  await expect(receiver.receive()).rejects.toMatchObject({ code: 'peer-gone' });
  await expect(sender.closed).rejects.toMatchObject({ code: 'peer-gone' });
  peer.session.abort();
});

for (const [what, make] of [
  ['a channel that was opened', openedAndBack],
  ['a channel for answers', returnedAndBack],
] as const) {
  describe(what, () => {
    test('acknowledges what was taken, and closes when all is taken', async () => {
      const one = await homePair();
      const { sender, receiver } = await make<number>(one);
      await one.settled();
      let acknowledged = 0;
      const sends = [1, 2].map((n) => sender.send(n, { acknowledged: true }).then(() => acknowledged++));
      await turns(20);
      expect(acknowledged).toBe(0);
      expect((await take(receiver)).value).toBe(1);
      await sends[0];
      sender.close();
      let closed = false;
      void sender.closed.then(() => (closed = true));
      await turns(20);
      expect([acknowledged, closed]).toStrictEqual([1, false]);
      expect((await take(receiver)).value).toBe(2);
      await Promise.all([...sends, sender.closed]);
      expect((await receiver.receive()).done).toBe(true);
    });

    test('a receive that waits when its end is sent away is told, and takes nothing', async () => {
      const one = await homePair();
      const { sender, receiver } = await make<number>(one);
      await one.settled();
      const told = expect(receiver.receive()).rejects.toMatchObject({ code: 'conflict' });
      const away = await one.forth(receiver);
      await told;
      await sender.send(1);
      expect((await take(away)).value).toBe(1);
      sender.close();
      expect((await away.receive()).done).toBe(true);
      await one.settled();
    });

    test('leaves nothing behind in the sessions in memory, however it ends', async () => {
      const made: ChannelSession[] = [];
      class Watched extends ChannelSession {
        constructor(...parts: ConstructorParameters<typeof ChannelSession>) {
          super(...parts);
          made.push(this);
        }
      }
      // Bounds that no other test has: a pair of its own.
      const limits = { maxPendingSends: what === 'a channel that was opened' ? 1001 : 1002 };
      const one = await homePair(undefined, () => {
        const [left, right] = memoryPair();
        return Promise.resolve(
          closingPair(new Watched(left, 'dialler', { limits }), new Watched(right, 'listener', { limits })),
        );
      });
      made.length = 0;
      for (const how of ['close', 'abort', 'cancel', 'at once', 'unread'] as const) {
        const { sender, receiver } = await make<number>(one);
        const inner = pipe<number>(1);
        if (how !== 'at once') await one.settled();
        sender.send(1).catch(() => undefined);
        (sender as Sender).send(inner.sender).catch(() => undefined);
        if (how === 'close') {
          sender.close();
          const [, to] = await collect<unknown>(receiver);
          (to as Sender).close();
          expect(await collect(inner.receiver)).toStrictEqual([]);
          await sender.closed;
          expect(made).toHaveLength(2);
        } else if (how === 'cancel' || how === 'unread') {
          await turns(how === 'unread' ? 20 : 0);
          receiver.cancel(new Error('stop'));
        } else sender.abort(new Error('stop'));
        await one.settled();
      }
      await turns(20);
      expect(made.map(({ stats }) => [stats.channels, stats.unreadBytes, stats.unsentBytes])).toStrictEqual([
        [0, 0, 0],
        [0, 0, 0],
      ]);
    });
  });
}

test('a sender that comes home through its own channel goes on', async () => {
  const one = await homePair();
  const requests = await one.openForth();
  const receiver = await requests.sender.send('?', { returns: true });
  const { ret } = await take(requests.receiver);
  // An end cannot carry itself: it goes round by another channel, with a message in front of it and one behind.
  await ret.send(1);
  const home = await one.back(ret);
  await home.send(2);
  home.close();
  expect(await collect(receiver)).toStrictEqual([1, 2]);
  await one.settled(1);
});

test.each(['before', 'after'])('an end that is sent away right %s its other end is taken works', async (when) => {
  const [one, third] = [await homePair(), await homePair()];
  const { sender, receiver: far } = await one.openForth();
  await sender.send(1);
  const [coming, carried] = [one.b.open(), await one.a.accept()];
  await coming.send(far);
  await turns(5);
  const give = (): Promise<Sender<number>> => third.forth(sender);
  const given = when === 'before' ? give() : undefined;
  const home = carried.receiver.tryReceive();
  if (home === undefined || home.done) throw new Error('it should be here');
  const away = await (given ?? give());
  const receiver = home.value as Receiver<number>;
  await away.send(2);
  expect([(await take(receiver)).value, (await take(receiver)).value]).toStrictEqual([1, 2]);
  away.close();
  expect((await receiver.receive()).done).toBe(true);
  await third.settled();
  coming.close();
  expect((await carried.receiver.receive()).done).toBe(true);
  await one.settled();
});

test('a receive and an acknowledged send inside the process leave no listener on their signal', async () => {
  const one = await homePair();
  const { sender, receiver } = await openedAndBack<number>(one);
  await one.settled();
  const { signal } = new AbortController();
  const [added, removed] = [vi.spyOn(signal, 'addEventListener'), vi.spyOn(signal, 'removeEventListener')];
  for (let i = 0; i < 10; i++) {
    const got = receiver.receive({ signal });
    await sender.send(i, { signal, acknowledged: true });
    expect((await got).value).toBe(i);
  }
  // Both stand behind one listener while they wait.
  expect(added.mock.calls.length).toBeGreaterThanOrEqual(10);
  expect(removed).toHaveBeenCalledTimes(added.mock.calls.length);
});

test('channels for answers that were asked for inside the process come home inside it', async () => {
  const one = await homePair();
  const { sender, receiver } = await openedAndBack<unknown>(one);
  const numbers = [...Array(20).keys()];
  const answers = await Promise.all(numbers.map((i) => sender.send(i, { returns: true })));
  for (let left = numbers.length; left > 0; left--) await sender.send((await take(receiver)).ret);
  for (const i of numbers) {
    const home = (await take(receiver)).value as Sender;
    await home.send(i);
    home.close();
  }
  expect(await Promise.all(answers.map((answer) => collect(answer)))).toStrictEqual(numbers.map((i) => [i]));
  await one.settled();
});

test('a receiver that has come home goes away and back again and again, with messages before and behind', async () => {
  const one = await homePair();
  const { sender, receiver } = await openedAndBack<number>(one);
  let current = receiver;
  for (let i = 0; i < 6; i++) {
    await sender.send(2 * i);
    current = await one.back(await one.forth(current));
    await sender.send(2 * i + 1);
    expect((await take(current)).value).toBe(i);
  }
  sender.close();
  expect(await collect(current)).toStrictEqual([6, 7, 8, 9, 10, 11]);
  await sender.closed;
  await one.settled();
});
