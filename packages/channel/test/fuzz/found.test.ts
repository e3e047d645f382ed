import { settle } from '@circuit/testkit';
import { expect, test } from 'vitest';
import * as frameType from '../../src/wire/frame-type.js';
import { liveBytes } from '../support/live-bytes.js';
import { concat, data, frame, hello, open, RawPeer, varint } from '../support/raw-peer.js';

// What fuzzing found, each once more by hand.

test('a DONE in front of the end it speaks of ends the session', async () => {
  const peer = new RawPeer('dialler');
  await peer.feed(hello());
  const sender = peer.session.open();
  await peer.feed(frame(frameType.done, 1));
  await expect(sender.send(1)).rejects.toThrow('DONE on channel 1 before its end');
  peer.hangUp();
});

test('an acknowledged send is over when the peer says DONE and forgot the ACK', async () => {
  const peer = new RawPeer('dialler');
  await peer.feed(hello());
  const sender = peer.session.open();
  const sent = sender.send(1, { acknowledged: true });
  sender.close();
  await peer.feed(frame(frameType.done, 1));
  await sent;
  await sender.closed;
  peer.session.abort();
});

test('channels that were opened and closed and not accepted count until they are', async () => {
  const peer = new RawPeer('listener', { limits: { maxChannels: 10 } });
  const brief = (i: number, last: number): Uint8Array =>
    concat([open(1 + 2 * i), frame(last, 1 + 2 * i, last === frameType.close ? [] : [0, 0, 0])]);
  await peer.feed(
    hello(),
    ...Array.from({ length: 10 }, (_none, i) => brief(i, i % 2 === 0 ? frameType.close : frameType.abort)),
  );
  expect(peer.session.stats).toMatchObject({ channels: 10, unaccepted: 10 });
  for (let i = 0; i < 10; i++) {
    const { receiver } = await peer.session.accept();
    if (i % 2 === 0) expect((await receiver.receive()).done).toBe(true);
    else await expect(receiver.receive()).rejects.toMatchObject({ code: 'aborted' });
  }
  expect(peer.session.stats).toMatchObject({ channels: 0, unaccepted: 0 });
  await peer.feed(...Array.from({ length: 11 }, (_none, i) => brief(10 + i, frameType.close)));
  expect(await peer.session.closed).toMatchObject({ code: 'protocol' });
  peer.hangUp();
});

test('first pieces take memory as they arrive, not as they are announced', async () => {
  const peer = new RawPeer('listener');
  await peer.feed(hello());
  await settle();
  const before = liveBytes();
  const first = (i: number): Uint8Array => concat([open(1 + 2 * i), data(1 + 2 * i, [0xc0], 1, varint(16_000_000))]);
  await peer.feed(...Array.from({ length: 1000 }, (_none, i) => first(i)));
  expect(peer.session.stats.channels).toBe(1000);
  expect(liveBytes() - before).toBeLessThan(1_048_576);
  peer.session.abort();
});
