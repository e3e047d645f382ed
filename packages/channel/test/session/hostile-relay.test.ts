import { ChannelSession, memoryPair, pipe, relay, type SessionOptions } from '@circuit/channel';
import { take } from '@circuit/channel/conformance';
import { settle } from '@circuit/testkit';
import { expect, test } from 'vitest';
import * as dataFlag from '../../src/wire/data-flag.js';
import * as frameType from '../../src/wire/frame-type.js';
import { concat, data, frame, hello, open, RawPeer, varint } from '../support/raw-peer.js';

// What a relay does not decode it checks all the same: the session that goes on from it is its own, and carries others.

const { more, refs, ret } = dataFlag;
const kib64 = [...new Uint8Array(65_536)];

/** A peer that speaks bytes, a relay, and a session behind it that carries another channel as well. */
async function behindRelay(last: SessionOptions = {}): Promise<{
  readonly peer: RawPeer;
  readonly onward: ChannelSession;
  readonly far: ChannelSession;
  readonly witness: () => Promise<void>;
  readonly close: () => Promise<void>;
}> {
  const peer = new RawPeer('listener');
  await peer.feed(hello(), open(1));
  const [near, end] = memoryPair();
  const onward = new ChannelSession(near, 'dialler', { keepAliveMs: 0 });
  const far = new ChannelSession(end, 'listener', { keepAliveMs: 0, ...last });
  await onward.ready;
  const other = onward.open();
  const { receiver } = await far.accept();
  relay((await peer.session.accept()).receiver, onward.open());
  await settle();
  return {
    peer,
    onward,
    far,
    async witness() {
      await other.send('still here');
      expect((await take(receiver)).value).toBe('still here');
    },
    async close() {
      peer.session.abort();
      await Promise.all([onward.close(), far.close()]);
    },
  };
}

const cases: readonly (readonly [string, readonly Uint8Array[], string])[] = [
  ['a message larger than the limit', [data(1, [0xc0], more, varint(2 ** 31))], 'the limit is 16777216'],
  ['a message that goes on behind its end', [data(1, kib64, more, varint(10))], 'another length'],
  ['more pieces than were announced', [data(1, kib64, more, varint(65_537)), data(1, [0, 0], 0)], 'another length'],
  ['fewer pieces than were announced', [data(1, [1], more, varint(100_000)), data(1, [2], 0)], 'another length'],
  ['pieces that cost nothing', [data(1, [1], more, varint(100)), data(1, [], more)], 'an empty piece of a message'],
  [
    'references in a later piece',
    [data(1, [1], more, varint(3)), data(1, [0xd4, 0], refs, [1, 1, 3])],
    'references in a later piece',
  ],
  ['a DROP outside of a message', [frame(frameType.drop, 1)], 'DROP outside of a message'],
  ['a return channel that is none', [data(1, [0xc0], refs | ret, [1, 2, 3])], 'return channel'],
];

for (const [name, frames, reason] of cases) {
  test(`${name} ends the session of who sent it, not the one behind the relay`, async () => {
    const { peer, onward, witness, close } = await behindRelay();
    await peer.feed(concat(frames));
    await settle();
    expect((await peer.session.closed)?.message).toContain(reason);
    expect(onward.refusal).toBe(undefined);
    await witness();
    await close();
  });
}

test('a message that is too large for who stands behind the relay ends its channel, and no session', async () => {
  const { peer, far, witness, close } = await behindRelay({ limits: { maxMessageBytes: 1000 } });
  const { receiver } = await far.accept();
  const long = new Uint8Array(1001).fill(0x61);
  await peer.feed(data(1, [0xda, 1001 >> 8, 1001 & 255, ...long]));
  await expect(receiver.receive()).rejects.toMatchObject({
    code: 'limit',
    message: 'message of 1004 bytes, the limit is 1000',
  });
  const frames = await peer.frames();
  expect(frames.find(({ type }) => type === frameType.cancel)?.id).toBe(1);
  await witness();
  await close();
});

test('more ends than the table behind the relay takes end the channel, and no session', async () => {
  const { peer, far, witness, close } = await behindRelay({ limits: { maxChannels: 10 } });
  const { receiver } = await far.accept();
  const many = Array.from({ length: 12 }, (_none, i) => [1, ...varint(3 + 2 * i)]).flat();
  const body = [0x9c, ...Array.from({ length: 12 }, (_none, i) => [0xd4, 0, i]).flat()];
  await peer.feed(data(1, body, refs, [12, ...many]));
  await expect(receiver.receive()).rejects.toMatchObject({ code: 'limit' });
  await witness();
  await close();
});

test('what was sent before the other side said what it takes is refused by its limits, and the session goes on', async () => {
  const [near, end] = memoryPair();
  const a = new ChannelSession(near, 'dialler', { keepAliveMs: 0 });
  const b = new ChannelSession(end, 'listener', { keepAliveMs: 0, limits: { maxMessageBytes: 1000, maxChannels: 3 } });
  const sender = a.open();
  const [long, many, fine] = [
    sender.send('x'.repeat(1000)),
    sender.send([pipe().sender, pipe().sender, pipe().sender]),
    sender.send('fits'),
  ];
  await expect(long).rejects.toMatchObject({ code: 'limit', message: 'message of 1003 bytes, the limit is 1000' });
  await expect(many).rejects.toMatchObject({ code: 'limit' });
  await fine;
  const { receiver } = await b.accept();
  expect((await take(receiver)).value).toBe('fits');
  await Promise.all([a.close(), b.close()]);
});
