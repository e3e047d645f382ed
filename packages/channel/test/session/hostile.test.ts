import { ManualClock } from '@circuit/testkit';
import { expect, test } from 'vitest';
import { maxLength } from '../../src/wire/frame.js';
import * as dataFlag from '../../src/wire/data-flag.js';
import * as frameType from '../../src/wire/frame-type.js';
import * as refKind from '../../src/wire/ref-kind.js';
import { concat, data, frame, hello, open, RawPeer, text, varint } from '../support/raw-peer.js';

const hi = [0xa2, 0x68, 0x69];
const { more, refs, ret } = dataFlag;

/** What a peer may write, and a part of the reason that ends the session. */
const faults: readonly [string, readonly Uint8Array[], RegExp][] = [
  ['a frame before HELLO', [open(1)], /frame type 2 before HELLO/],
  ['bytes of a stream before HELLO', [frame(frameType.bytes, 1, [1, 2])], /BYTES before HELLO/],
  ['a GOAWAY before HELLO', [frame(frameType.goaway, 0, [0, 0, 0])], /before HELLO/],
  ['an HTTP request', [new TextEncoder().encode('GET / HTTP/1.1\r\nHost: x\r\n\r\n')], /frame type 71/],
  ['a TLS greeting', [Uint8Array.of(0x16, 0x03, 0x01, 0x02, 0, 1, 0, 1, 0xfc)], /frame type 22: 196866 bytes/],
  ['HELLO of another protocol', [frame(frameType.hello, 0, [1, 2, 3, 4, 1])], /not a circuit channel session/],
  [
    'HELLO of another version',
    [frame(frameType.hello, 0, [0x43, 0x52, 0x43, 0x54, 2])],
    /version 2, this side speaks 1/,
  ],
  ['HELLO cut short', [frame(frameType.hello, 0, [0x43, 0x52, 0x43, 0x54, 1, 9])], /HELLO: malformed/],
  ['HELLO with a window too small', [hello({ windowBytes: 1000 })], /windows of 1000 and 1048576 bytes/],
  [
    'HELLO with a codec of bad UTF-8',
    [frame(1, 0, [0x43, 0x52, 0x43, 0x54, 1, 9, 9, ...varint(200_000), ...varint(200_000), 1, 1, 0xff])],
    /HELLO: malformed/,
  ],
  ['HELLO with too many codecs', [hello({}, Array<string>(33).fill('x'))], /HELLO: malformed/],
  ['a second HELLO', [hello(), hello()], /a second HELLO/],
  [
    'a length beyond the limit',
    [hello(), frame(frameType.data, 1, [], maxLength + 1)],
    /73729 bytes, the limit is 73728/,
  ],
  [
    'the largest length there is',
    [hello(), frame(frameType.open, 1, [], 0xff_ffff)],
    /16777215 bytes, the limit is 73728/,
  ],
  ['the largest length of a stream', [hello(), frame(frameType.bytes, 1, [], 0xff_ffff)], /16777215 bytes/],
  ['an unknown type', [hello(), frame(0x0f, 1)], /unknown frame type 15/],
  ['type zero', [hello(), frame(0, 1)], /unknown frame type 0/],
  ['an unknown type at the border', [hello(), frame(0x7f, 1)], /unknown frame type 127/],
  ['an id padded with zeros', [hello(), Uint8Array.of(2, 0, 0, 2, 0x81, 0)], /malformed channel id/],
  [
    'an id of nine bytes',
    [hello(), Uint8Array.of(6, 0, 0, 9, 255, 255, 255, 255, 255, 255, 255, 255, 1)],
    /malformed channel id/,
  ],
  ['a frame without an id', [hello(), Uint8Array.of(6, 0, 0, 0)], /malformed channel id/],
  ['OPEN with an id of the wrong parity', [hello(), open(2)], /channel 2 announced by the wrong side/],
  ['OPEN of channel 0', [hello(), open(0)], /channel 0 announced by the wrong side/],
  ['OPEN of an id in use', [hello(), open(1), open(1)], /channel 1 announced after 1/],
  ['OPEN of an id that went before', [hello(), open(5), open(3)], /channel 3 announced after 5/],
  ['OPEN with an unknown codec', [hello(), open(1, 'cbor')], /OPEN with codec cbor, known are msgpack, json/],
  ['OPEN with a long target', [hello(), open(1, 'msgpack', 'x'.repeat(1025))], /malformed OPEN/],
  ['OPEN with a target of bad UTF-8', [hello(), frame(2, 1, [...text('json'), 2, 0xc3, 0x28, 0])], /malformed OPEN/],
  ['OPEN with a long origin', [hello(), frame(2, 1, [...text('json'), 0, ...varint(4097)])], /malformed OPEN/],
  ['OPEN cut short', [hello(), frame(2, 1, [5, 0x6a])], /malformed OPEN/],
  ['DATA for a channel never announced', [hello(), data(7, hi)], /DATA for channel 7, which was never announced/],
  ['DATA for channel 0', [hello(), data(0, hi)], /DATA for channel 0, which was never announced/],
  ['DATA for an own channel never announced', [hello(), data(2, hi)], /channel 2, which was never announced/],
  ['BYTES for a stream never announced', [hello(), frame(4, 7, [1])], /BYTES for channel 7, which was never announced/],
  ['CREDIT for a channel never announced', [hello(), frame(5, 9, [1])], /frame type 5 for channel 9, which was never/],
  ['DATA without flags', [hello(), open(1), frame(3, 1)], /malformed DATA/],
  ['BYTES on a channel of messages', [hello(), open(1), frame(4, 1, [1])], /BYTES on channel 1, which takes none/],
  [
    'DATA on a stream',
    [hello(), open(1), data(1, hi, refs, [1, refKind.reader, 3]), data(3, hi)],
    /DATA on channel 3, which takes none/,
  ],
  [
    'DATA on a channel that sends',
    [hello(), open(1), data(1, hi, refs, [1, refKind.sender, 3]), data(3, hi)],
    /DATA on channel 3, which takes none/,
  ],
  ['CREDIT for a channel that receives', [hello(), open(1), frame(5, 1, [1])], /type 5 does not fit the direction/],
  [
    'CREDIT of nothing',
    [hello(), open(1), data(1, hi, refs, [1, refKind.sender, 3]), frame(5, 3, [0])],
    /malformed CREDIT/,
  ],
  ['DONE for a channel that receives', [hello(), open(1), frame(9, 1)], /type 9 does not fit the direction/],
  [
    'CANCEL for a channel that receives',
    [hello(), open(1), frame(8, 1, [0, 0, 0])],
    /type 8 does not fit the direction/,
  ],
  [
    'CLOSE for a channel that sends',
    [hello(), open(1), data(1, hi, refs, [1, refKind.sender, 3]), frame(6, 3)],
    /type 6 does not fit/,
  ],
  ['ABORT of bad UTF-8', [hello(), open(1), frame(7, 1, [1, 0xff, 0, 0])], /malformed ABORT/],
  [
    'ABORT with a long reason',
    [hello(), open(1), frame(7, 1, [0, ...varint(1025), ...Array<number>(1025).fill(65), 0])],
    /malformed ABORT/,
  ],
  ['DROP outside of a message', [hello(), open(1), frame(10, 1)], /DROP outside of a message/],
  [
    'DROP on a stream',
    [hello(), open(1), data(1, hi, refs, [1, refKind.reader, 3]), frame(10, 3)],
    /type 10 does not fit/,
  ],
  [
    'ACK of more than was sent',
    [hello(), open(1), data(1, hi, refs, [1, refKind.sender, 3]), frame(11, 3, [1])],
    /ACK of 1 messages on channel 3, 0 were sent/,
  ],
  [
    'ACK on a stream',
    [hello(), open(1), data(1, hi, refs, [1, refKind.writer, 3]), frame(11, 3, [0])],
    /type 11 does not fit/,
  ],
  [
    'no references where some are claimed',
    [hello(), open(1), data(1, hi, refs, [0])],
    /DATA with 0 references, the limit is 512/,
  ],
  [
    'more references than allowed',
    [hello(), open(1), data(1, hi, refs, varint(513))],
    /DATA with 513 references, the limit is 512/,
  ],
  ['a reference of unknown kind', [hello(), open(1), data(1, hi, refs, [1, 6, 3])], /malformed reference/],
  ['a reference cut short', [hello(), open(1), data(1, [], refs, [2, 1, 3, 1])], /malformed reference/],
  [
    'a reference of the wrong parity',
    [hello(), open(1), data(1, hi, refs, [1, refKind.sender, 2])],
    /channel 2 announced by the wrong side/,
  ],
  [
    'a reference announced twice',
    [hello(), open(1), data(1, hi, refs, [2, 1, 3, 1, 3])],
    /channel 3 announced after 3/,
  ],
  [
    'a return channel that is none',
    [hello(), open(1), data(1, hi, refs | ret, [1, refKind.receiver, 3])],
    /the return channel is missing/,
  ],
  ['a return channel without references', [hello(), open(1), data(1, hi, ret)], /the return channel is missing/],
  [
    'a message larger than allowed',
    [hello(), open(1), data(1, hi, more, varint(16_777_217))],
    /message of 16777217 bytes, the limit is 16777216/,
  ],
  [
    'a message that goes on beyond its length',
    [hello(), open(1), data(1, hi, more, [3])],
    /message of 3 bytes goes on/,
  ],
  [
    'a message with more than it announced',
    [hello(), open(1), data(1, hi, more, [5]), data(1, hi)],
    /announced with 5 bytes has 6/,
  ],
  [
    'a message with less than it announced',
    [hello(), open(1), data(1, hi, more, [9]), data(1, hi)],
    /announced with 9 bytes has 6/,
  ],
  [
    'references in a later piece',
    [hello(), open(1), data(1, hi, more, [6]), data(1, hi, refs, [1, 1, 3])],
    /references in a later piece/,
  ],
  ['DATA behind CLOSE', [hello(), open(1), data(1, hi), frame(6, 1), data(1, hi)], /DATA on channel 1 behind its end/],
  [
    'BYTES behind CLOSE',
    [hello(), open(1), data(1, hi, refs, [1, refKind.reader, 3]), frame(4, 3, [1]), frame(6, 3), frame(4, 3, [1])],
    /BYTES on stream 3 behind its end/,
  ],
  ['GOAWAY of bad UTF-8', [hello(), frame(14, 0, [1, 0xff, 0, 0])], /malformed GOAWAY/],
  [
    'more bytes than a channel has credit',
    [hello(), open(1), ...Array<Uint8Array>(5).fill(data(1, Array<number>(65_000).fill(0)))],
    /bytes beyond its credit/,
  ],
  [
    'more bytes than a stream has credit',
    [
      hello(),
      open(1),
      data(1, hi, refs, [1, refKind.reader, 3]),
      ...Array<Uint8Array>(17).fill(frame(4, 3, new Uint8Array(65_000))),
    ],
    /bytes beyond its credit/,
  ],
];

for (const [name, parts, reason] of faults) {
  test(`${name} ends the session with the reason, and no other`, async () => {
    const other = new RawPeer();
    const peer = new RawPeer();
    await peer.feed(...parts);
    const error = await peer.session.closed;
    expect(error).toMatchObject({ code: 'protocol' });
    expect(error?.message).toMatch(reason);
    expect(error?.message).toContain('script peer');
    const goodbye = (await peer.frames()).at(-1);
    expect(goodbye?.type).toBe(frameType.goaway);
    expect(new TextDecoder().decode(goodbye?.payload)).toMatch(reason);
    expect(peer.carrier.ended).toBe(true);
    expect(peer.session.stats.channels).toBe(0);
    peer.hangUp();
    await other.feed(hello(), open(1), data(1, hi));
    const { receiver } = await other.session.accept();
    expect(await receiver.receive()).toMatchObject({ value: 'hi' });
    other.session.abort();
  });
}

test('more channels than allowed end the session', async () => {
  const peer = new RawPeer('listener', { limits: { maxChannels: 2 } });
  await peer.feed(hello(), open(1), open(3), open(5));
  expect((await peer.session.closed)?.message).toMatch(/more than 2 channels/);
  const nested = new RawPeer('listener', { limits: { maxChannels: 2 } });
  await nested.feed(hello(), open(1), data(1, hi, refs, [2, 1, 3, 1, 5]));
  expect((await nested.session.closed)?.message).toMatch(/more than 2 channels/);
  for (const one of [peer, nested]) one.hangUp();
});

test('more unread bytes than allowed over the whole session end it', async () => {
  const peer = new RawPeer('listener', { limits: { maxUnreadBytes: 300_000 } });
  const body = [0xc5, 0xfa, 0, ...Array<number>(64_000).fill(0)];
  const channels = [1, 3, 5, 7, 9];
  await peer.feed(hello(), ...channels.map((id) => concat([open(id), data(id, body)])));
  expect((await peer.session.closed)?.message).toMatch(/more than 300000 unread bytes/);
  peer.hangUp();
});

test('a message counts for what it takes in memory beside its bytes, and a channel that nobody accepts for what its OPEN says', async () => {
  const small = new RawPeer('listener', { limits: { maxUnreadBytes: 1_000_000 } });
  const thousands = concat(Array.from({ length: 5000 }, () => data(1, [0xc0])));
  await small.feed(hello(), open(1), thousands);
  expect((await small.session.closed)?.message).toMatch(/more than 1000000 unread bytes/);
  const opens = new RawPeer('listener', { limits: { maxUnreadBytes: 1_000_000 } });
  const target = 'x'.repeat(1000);
  await opens.feed(hello(), ...Array.from({ length: 900 }, (_, i) => open(2 * i + 1, 'msgpack', target)));
  expect((await opens.session.closed)?.message).toMatch(/more than 1000000 unread bytes/);
  for (const one of [small, opens]) one.hangUp();
});

test('what is taken of all that counts no longer', async () => {
  const taken = new RawPeer('listener', { limits: { maxUnreadBytes: 1_000_000 } });
  await taken.feed(hello());
  for (let i = 0; i < 900; i++) {
    await taken.feed(open(2 * i + 1, 'msgpack', 'x'.repeat(1000)), data(2 * i + 1, [0xc0]));
    const { receiver } = await taken.session.accept();
    expect((await receiver.receive()).done).toBe(false);
    // More of them in all than could ever be untaken.
    for (let j = 0; j < 7; j++) {
      await taken.feed(data(2 * i + 1, [0xc0]));
      if (j % 2 === 0) expect(receiver.tryReceive()?.done).toBe(false);
    }
    receiver.cancel();
  }
  expect(taken.session.refusal).toBeUndefined();
  expect(taken.session.stats).toMatchObject({ unreadBytes: 0, channels: 900 });
  taken.hangUp();
});

test('a message of several pieces counts whole until it is taken, though its credit was given back so that it could come in', async () => {
  const peer = new RawPeer('listener', { limits: { maxUnreadBytes: 3_000_000 } });
  const total = 1_000_000;
  const body = [0xc5, 0xff, 0xff, ...Array<number>(49_997).fill(0)];
  const message = (id: number): Uint8Array =>
    concat([
      data(id, body, more, varint(total)),
      ...Array.from({ length: 19 }, (_, i) => data(id, body, i < 18 ? more : 0)),
    ]);
  await peer.feed(hello(), open(1));
  await peer.feed(message(1));
  const { receiver } = await peer.session.accept();
  expect(peer.session.stats.unreadBytes).toBeGreaterThan(total);
  receiver.cancel();
  expect(peer.session.stats.unreadBytes).toBe(0);
  await peer.feed(open(3), data(3, body, more, varint(total)), data(3, body, more));
  expect(peer.session.stats.unreadBytes).toBeGreaterThan(2 * body.length);
  await peer.feed(frame(frameType.drop, 3));
  expect(peer.session.stats.unreadBytes).toBeLessThan(100);
  await peer.session.accept();
  await peer.feed(open(5), message(5), open(7), message(7));
  expect(peer.session.refusal).toBeUndefined();
  await peer.feed(open(9), message(9));
  expect((await peer.session.closed)?.message).toMatch(/more than 3000000 unread bytes/);
  peer.hangUp();
});

test('what follows messages that a peer takes and never acknowledges waits, with the bound of all that waits', async () => {
  const peer = new RawPeer('dialler', { limits: { maxPendingSends: 100 } });
  await peer.feed(hello());
  const sender = peer.session.open();
  let acknowledged = 0;
  const send = (value: number): Promise<void> =>
    sender.send(value, { acknowledged: true }).then(() => {
      acknowledged++;
    });
  const written = async (): Promise<number> =>
    (await peer.frames()).filter(({ type }) => type === frameType.data).length;
  const sends = Array.from({ length: 200 }, (_, i) => send(i));
  expect(await written()).toBe(100);
  await expect(send(200)).rejects.toMatchObject({ code: 'limit' });
  expect(sender.trySend(201)).toBe(false);
  await peer.feed(frame(frameType.ack, 1, varint(40)));
  expect([await written(), acknowledged]).toStrictEqual([40, 40]);
  await peer.feed(frame(frameType.ack, 1, varint(140)));
  await peer.feed(frame(frameType.ack, 1, varint(200)));
  await Promise.all(sends);
  expect([await written(), acknowledged]).toStrictEqual([60, 200]);
  peer.hangUp();
});

test('a peer that drips bytes and never says HELLO is given up as a silent one is', async () => {
  const clock = new ManualClock();
  const peer = new RawPeer('listener', { clock, keepAliveMs: 5000 });
  const greeting = hello();
  for (let i = 0; i < 16; i++) {
    await peer.feed(greeting.subarray(i, i + 1));
    await clock.advance(1000);
  }
  expect(await peer.session.closed).toMatchObject({ code: 'peer-gone', message: /no sign of life for 15000 ms/ });
  peer.hangUp();
});

test('a session that is refused for what had come before it began leaves no timer behind', () => {
  const clock = new ManualClock();
  const peer = new RawPeer('listener', { clock, keepAliveMs: 5000 }, concat([hello(), frame(frameType.data, 7)]));
  expect(peer.session.refusal).toMatchObject({ code: 'protocol' });
  peer.hangUp();
  expect(clock.pending).toBe(0);
});

test('types from 0x80 on are ignored, and so are a late frame and a strange PING', async () => {
  const peer = new RawPeer();
  await peer.feed(hello(), open(1), frame(0x80, 12_345, [1, 2, 3]), frame(0xff, 0));
  await peer.feed(
    frame(frameType.ping, 0, [1, 2, 3]),
    frame(frameType.ping, 0, new Uint8Array(65)),
    frame(frameType.pong, 0),
  );
  const { receiver } = await peer.session.accept();
  receiver.cancel();
  await peer.feed(frame(frameType.close, 1));
  expect(peer.session.stats.channels).toBe(0);
  await peer.feed(
    data(1, hi),
    frame(frameType.close, 1),
    frame(frameType.bytes, 1, [1]),
    frame(frameType.credit, 1, [9]),
  );
  const types = (await peer.frames()).map((one) => [one.type, [...one.payload]]);
  expect(types.filter(([type]) => type === frameType.pong)).toStrictEqual([[frameType.pong, [1, 2, 3]]]);
  expect(peer.session.refusal).toBe(undefined);
  peer.session.abort();
});

test('a peer that reads nothing while it asks for answers is given up before memory is', async () => {
  const peer = new RawPeer();
  peer.carrier.hold = true;
  await peer.feed(hello());
  const pings = concat(Array<Uint8Array>(10_000).fill(frame(frameType.ping, 0, new Uint8Array(60))));
  for (let i = 0; i < 40 && peer.session.refusal === undefined; i++) await peer.feed(pings);
  expect((await peer.session.closed)?.message).toMatch(/takes nothing that is written to it/);
  expect(peer.carrier.bufferedBytes).toBeLessThan(20_000_000);
  peer.hangUp();
});

test('references that came with a message on a cancelled channel are refused', async () => {
  const peer = new RawPeer();
  await peer.feed(hello(), open(1));
  (await peer.session.accept()).receiver.cancel();
  await peer.frames();
  await peer.feed(data(1, hi, refs, [2, refKind.sender, 3, refKind.receiver, 5]));
  const answers = (await peer.frames()).map(({ type, id, payload }) => [type, id, new TextDecoder().decode(payload)]);
  expect(answers).toMatchObject([
    [frameType.abort, 3, expect.stringContaining('undelivered')],
    [frameType.cancel, 5, expect.stringContaining('undelivered')],
  ]);
  await peer.feed(frame(frameType.close, 1), frame(frameType.done, 3), frame(frameType.close, 5));
  expect(peer.session.stats.channels).toBe(0);
  peer.session.abort();
});
