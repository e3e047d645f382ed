import { bytePipe, pipe, type Receiver, type Sender } from '@circuit/channel';
import { take } from '@circuit/channel/conformance';
import { settle } from '@circuit/testkit';
import { expect, test } from 'vitest';
import * as frameType from '../../src/wire/frame-type.js';
import * as refKind from '../../src/wire/ref-kind.js';
import { data, frame, hello, open, RawPeer, varint } from '../support/raw-peer.js';

const refsFlag = 2;

/** HOME: the new id `id` is to be `own`. */
function home(id: number, own: number): Uint8Array {
  return frame(frameType.home, id, varint(own));
}

/** A message on channel 2 that is the list of these references. */
function bring(...refs: readonly (readonly [kind: number, id: number])[]): Uint8Array {
  const body = [0x90 + refs.length, ...refs.flatMap((_ref, i) => [0xd4, 0, i])];
  return data(2, body, refsFlag, [refs.length, ...refs.flatMap(([kind, id]) => [kind, ...varint(id)])]);
}

/** A dialler that has opened channel 1 and given away a receiver (3), a sender (5), a reader (7) and a writer (9). */
async function away(): Promise<{
  peer: RawPeer;
  sender: Sender;
  receiver: Receiver;
  bytes: [ReturnType<typeof bytePipe>, ReturnType<typeof bytePipe>];
}> {
  const peer = new RawPeer('dialler');
  await peer.feed(hello(), open(2));
  const [down, up, bytesDown, bytesUp] = [pipe(1), pipe(1), bytePipe(), bytePipe()];
  await peer.session.open().send([down.receiver, up.sender, bytesDown.reader, bytesUp.writer]);
  await peer.frames();
  return { peer, sender: down.sender, receiver: up.receiver, bytes: [bytesDown, bytesUp] };
}

const { receiver: receiverKind, sender: senderKind, reader: readerKind } = refKind;

const lies: readonly (readonly [what: string, frames: readonly Uint8Array[], reason: RegExp])[] = [
  ['without an id of ours', [frame(frameType.home, 4)], /malformed HOME of channel 4/],
  ['for an id of ours', [home(11, 3)], /HOME of channel 11, which is not a new one/],
  ['for an id that is announced', [home(2, 3)], /HOME of channel 2, which is not a new one/],
  ['for id 0', [home(0, 3)], /HOME of channel 0/],
  ['for an id twice', [home(4, 3), home(4, 5)], /HOME of channel 4, which is not a new one/],
  ['as an id that we never announced', [home(4, 11)], /channel 11, which this side has not announced/],
  ['as an id of the peer', [home(4, 2)], /channel 2, which this side has not announced/],
  ['as id 0', [home(4, 0)], /channel 0, which this side has not announced/],
  ['as a sender that is a receiver', [home(4, 3), bring([senderKind, 4])], /which is of another kind/],
  ['as a reader that is a receiver', [home(4, 3), bring([readerKind, 4])], /which is of another kind/],
  [
    'as an end that came before',
    [home(4, 3), bring([receiverKind, 4]), home(6, 3), bring([receiverKind, 6])],
    /before/,
  ],
  ['twice in one message', [home(4, 3), home(6, 3), bring([receiverKind, 4], [receiverKind, 6])], /before/],
  [
    'of an id that does not follow',
    [home(4, 3), bring([receiverKind, 6])],
    /channel 4, which the next message did not/,
  ],
  ['of more ids than a message holds', [...Array(513).keys()].map((i) => home(4 + 2 * i, 3)), /more than 512/],
];

for (const [what, frames, reason] of lies) {
  test(`HOME ${what} ends the session, and with it what was away`, async () => {
    const { peer, sender, receiver } = await away();
    const waiting = receiver.receive();
    waiting.catch(() => undefined);
    await peer.feed(...frames);
    const error = await peer.session.closed;
    expect(error).toMatchObject({ code: 'protocol' });
    expect(error?.message).toMatch(reason);
    expect((await peer.frames()).at(-1)?.type).toBe(frameType.goaway);
    await expect(waiting).rejects.toMatchObject({ code: 'protocol' });
    await expect(sender.closed).rejects.toMatchObject({ code: 'protocol' });
    expect(peer.session.stats.channels).toBe(0);
    peer.hangUp();
  });
}

test('HOME as a channel that was opened, or that ended while the message was under way, brings an end like others', async () => {
  const { peer, sender, receiver } = await away();
  const incoming = await peer.session.accept();
  await peer.feed(home(4, 1), bring([receiverKind, 4]), data(4, [0x01]));
  const [opened] = (await take(incoming.receiver)).value as [Receiver];
  expect((await take(opened)).value).toBe(1);
  sender.abort(new Error('enough'));
  await settle();
  await peer.feed(frame(frameType.done, 3), home(6, 3), bring([receiverKind, 6]), data(6, [0x02]));
  const [late] = (await take(incoming.receiver)).value as [Receiver];
  expect((await take(late)).value).toBe(2);
  receiver.cancel(new Error('enough'));
  await peer.feed(home(8, 5), bring([senderKind, 8]));
  const [mute] = (await take(incoming.receiver)).value as [Sender];
  await mute.send(3);
  expect((await peer.frames()).at(-1)).toMatchObject({ type: frameType.data, id: 8 });
  peer.session.abort();
});

test('a receiver whose long way ends in front of its rest fails, and so does its sender; the session goes on', async () => {
  const peer = new RawPeer('dialler');
  await peer.feed(hello({ windowBytes: 131_072 }), open(2));
  const { sender, receiver } = pipe();
  await peer.session.open().send([receiver]);
  // The pump holds a message for which the peer gives no credit.
  const sends = [1, 2, 3].map((n) => sender.send(new Uint8Array(60_000).fill(n)));
  for (const sent of sends) sent.catch(() => undefined);
  await settle();
  const incoming = await peer.session.accept();
  await peer.feed(home(4, 3), bring([receiverKind, 4]));
  const [back] = (await take(incoming.receiver)).value as [Receiver];
  await peer.feed(frame(frameType.close, 4));
  await expect(back.receive()).rejects.toMatchObject({ code: 'protocol' });
  await expect(sender.closed).rejects.toMatchObject({ code: 'protocol' });
  expect((await peer.frames()).map(({ type }) => type)).not.toContain(frameType.goaway);
  peer.session.abort();
});

test('a peer that never ends the long way holds up this end and nothing else', async () => {
  const { peer, sender, receiver, bytes } = await away();
  const incoming = await peer.session.accept();
  const named = [home(4, 3), home(6, 5), home(8, 7), home(10, 9)];
  const refs = [receiverKind, senderKind, readerKind, refKind.writer].map((kind, i) => [kind, 4 + 2 * i] as const);
  await peer.feed(...named, bring(...refs));
  const [from, to] = (await take(incoming.receiver)).value as [Receiver, Sender];
  // This side ends its halves of the long way at once: 3 and 7 towards the peer, 6 and 10 as the senders that came home.
  expect((await peer.frames()).map(({ type, id }) => [type, id])).toStrictEqual(
    [6, 10, 3, 7].map((id) => [frameType.close, id]),
  );
  const waits = [from.receive(), to.send('held', { acknowledged: true }), receiver.receive()];
  const told: unknown[] = [];
  for (const wait of waits) wait.then(told.push.bind(told), () => undefined);
  await sender.send('kept');
  await settle();
  expect(told).toStrictEqual([]);
  peer.hangUp();
  for (const wait of waits) await expect(wait).rejects.toMatchObject({ code: 'peer-gone' });
  for (const { reader, writer } of bytes) {
    await expect(reader.read()).rejects.toThrow();
    await expect(writer.closed).rejects.toThrow();
  }
});

test('a peer that sends on the way it has given back can harm the order of its own messages only', async () => {
  const { peer, receiver } = await away();
  const incoming = await peer.session.accept();
  await peer.feed(home(4, 5), bring([senderKind, 4]));
  const [back] = (await take(incoming.receiver)).value as [Sender];
  void back.send('home');
  await peer.feed(data(5, [0xa1, 0x61]), data(5, [0xa1, 0x62]), frame(frameType.close, 5));
  for (const value of ['a', 'b', 'home']) expect((await take(receiver)).value).toBe(value);
  // Nothing that comes behind its end is heard.
  await peer.feed(data(5, [0xa1, 0x63]));
  void back.send('still here');
  expect((await take(receiver)).value).toBe('still here');
  back.close();
  expect((await receiver.receive()).done).toBe(true);
  peer.session.abort();
});

test('who does not know HOME loses nothing: without it the end runs through the other side', async () => {
  const { peer, sender } = await away();
  const incoming = await peer.session.accept();
  await sender.send('x');
  await peer.feed(bring([receiverKind, 4]), data(4, [0xa1, 0x78]), frame(frameType.close, 4));
  const [back] = (await take(incoming.receiver)).value as [Receiver];
  expect((await take(back)).value).toBe('x');
  expect((await back.receive()).done).toBe(true);
  peer.session.abort();
});
