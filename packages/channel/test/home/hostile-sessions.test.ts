import { createHmac } from 'node:crypto';
import { pipe, type Receiver, type Sender } from '@circuit/channel';
import { take } from '@circuit/channel/conformance';
import { settle } from '@circuit/testkit';
import { beforeEach, expect, test } from 'vitest';
import { decodeHello } from '../../src/session/hello.js';
import type { HomeName } from '../../src/session/hello-tail.js';
import { defaultLimits } from '../../src/session/limits.js';
import * as frameType from '../../src/wire/frame-type.js';
import * as refKind from '../../src/wire/ref-kind.js';
import { ByteCursor } from '../../src/wire/varint.js';
import { data, frame, hello, open, RawPeer, varint } from '../support/raw-peer.js';

/** HOME of the new id `id` as `own` of another session, as section 9 of docs/protocol.md has it. */
function home(id: number, own: number, { session, key }: HomeName): Uint8Array {
  const proof = createHmac('sha256', key)
    .update(Uint8Array.from(varint(own)))
    .digest();
  return frame(frameType.home, id, [...varint(own), ...session, ...proof.subarray(0, 16)]);
}

/** A message on channel 2 that is the list of this one reference. */
function bring(kind: number, id: number): Uint8Array {
  return data(2, [0x91, 0xd4, 0, 0], 2, [1, kind, ...varint(id)]);
}

/** What a session said of its process. */
async function nameOf(peer: RawPeer): Promise<HomeName> {
  const [first] = await peer.frames();
  const payload = first?.payload ?? new Uint8Array(0);
  const said = decodeHello(new ByteCursor(payload, 0, payload.length), defaultLimits);
  if (typeof said === 'string' || said.home === undefined) throw new Error(`no name: ${JSON.stringify(said)}`);
  const { process, session, key } = said.home;
  return { process: process.slice(), session: session.slice(), key: key.slice() };
}

let one: RawPeer;
let two: RawPeer;
let names: { readonly one: HomeName; readonly two: HomeName };
let sender: Sender;
let receiver: Receiver;

/** Over the first session a receiver (3) and a sender (5) were given away. */
beforeEach(async () => {
  [one, two] = [new RawPeer('dialler'), new RawPeer('dialler')];
  names = { one: await nameOf(one), two: await nameOf(two) };
  await one.feed(hello(), open(2));
  await two.feed(hello(), open(2));
  const [down, up] = [pipe(1), pipe(1)];
  await one.session.open().send([down.receiver, up.sender]);
  await Promise.all([one.frames(), two.frames()]);
  ({ sender } = down);
  ({ receiver } = up);
});

test('sessions of one process say the same process, and nothing else twice', () => {
  expect(names.one.process).toStrictEqual(names.two.process);
  expect(names.one.session).not.toStrictEqual(names.two.session);
  expect(names.one.key).not.toStrictEqual(names.two.key);
  expect([names.one.process.length, names.one.session.length, names.one.key.length]).toStrictEqual([16, 8, 16]);
});

test('with the proof that a peer can make the end comes home over the other session', async () => {
  const incoming = await two.session.accept();
  await two.feed(home(4, 3, names.one), bring(refKind.receiver, 4), data(4, [0x01]));
  const [back] = (await take(incoming.receiver)).value as [Receiver];
  expect((await take(back)).value).toBe(1);
  expect((await one.frames()).map(({ type, id }) => [type, id])).toStrictEqual([[frameType.close, 3]]);
  await two.feed(frame(frameType.close, 4));
  await one.feed(frame(frameType.done, 3));
  two.session.abort();
  one.session.abort();
  await settle();
  await sender.send(2);
  expect((await take(back)).value).toBe(2);
});

test.each([
  ['with a proof by another key', () => home(4, 3, { ...names.one, key: names.two.key }), /without proof/],
  [
    'with the proof for another id',
    () => {
      const frameOf5 = home(4, 5, names.one);
      frameOf5[frameOf5.indexOf(5, 5)] = 3;
      return frameOf5;
    },
    /without proof/,
  ],
  [
    'with a proof that is cut off',
    () => frame(frameType.home, 4, [3, ...names.one.session, 1, 2, 3]),
    /malformed HOME/,
  ],
  ['with half a session', () => frame(frameType.home, 4, [3, 1, 2]), /malformed HOME/],
  ['as an id that was never announced there', () => home(4, 11, names.one), /has not announced/],
  ['as an id of the peer there', () => home(4, 2, names.one), /has not announced/],
])('HOME over another session %s ends that session, and nothing of the one it names', async (_what, lie, reason) => {
  await two.feed(lie());
  const error = await two.session.closed;
  expect([error?.code, error?.message]).toStrictEqual(['protocol', expect.stringMatching(reason)]);
  await sender.send('still away');
  expect((await one.frames()).map(({ type, id }) => [type, id])).toStrictEqual([[frameType.data, 3]]);
  one.session.abort();
});

test('an end comes home once, over whichever session', async () => {
  await two.feed(home(4, 3, names.one), bring(refKind.receiver, 4));
  await one.feed(frame(frameType.home, 4, varint(3)), bring(refKind.receiver, 4));
  expect((await one.session.closed)?.message).toMatch(/channel 3, which has come home before/);
  two.session.abort();
});

test('of a session that is over nothing comes home, and nobody is to blame', async () => {
  one.session.abort();
  const incoming = await two.session.accept();
  await two.feed(home(4, 5, names.one), bring(refKind.sender, 4));
  const [mute] = (await take(incoming.receiver)).value as [Sender];
  await mute.send(3);
  expect((await two.frames()).at(-1)).toMatchObject({ type: frameType.data, id: 4 });
  await expect(receiver.receive()).rejects.toMatchObject({ code: 'aborted' });
  two.session.abort();
});

test('a peer that says it is the process of another is given proof of the ends that it is given, and of none else', async () => {
  // The peer of `two` says that it is where the peer of `one` is.
  const friend: HomeName = {
    process: new Uint8Array(16).fill(7),
    session: new Uint8Array(8),
    key: new Uint8Array(16).fill(9),
  };
  const [near, liar] = [new RawPeer('dialler'), new RawPeer('dialler')];
  await near.feed(hello({}, undefined, friend), open(2), bring(refKind.receiver, 4));
  await liar.feed(hello({}, undefined, { ...friend, key: new Uint8Array(16) }));
  await Promise.all([near.frames(), liar.frames()]);
  const [given] = (await take((await near.session.accept()).receiver)).value as [Receiver];
  await liar.session.open().send([given]);
  const said = (await liar.frames()).filter(({ type }) => type === frameType.home);
  expect(said).toStrictEqual([{ type: frameType.home, id: 3, payload: parsed(home(3, 4, friend)) }]);
  near.session.abort();
  liar.session.abort();
});

function parsed(bytes: Uint8Array): Uint8Array {
  return bytes.slice(5);
}
