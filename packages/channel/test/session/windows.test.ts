import type { ByteReader, Receiver } from '@circuit/channel';
import { take } from '@circuit/channel/conformance';
import { expect, test } from 'vitest';
import * as frameType from '../../src/wire/frame-type.js';
import * as refKind from '../../src/wire/ref-kind.js';
import { ByteCursor } from '../../src/wire/varint.js';
import { data, frame, hello, open, RawPeer } from '../support/raw-peer.js';

/** A session with windows of 131,072 bytes; its peer has opened channel 2 and sent a reader as channel 4. */
async function start(): Promise<{ peer: RawPeer; receiver: Receiver; reader: ByteReader }> {
  const limits = { windowBytes: 131_072, streamWindowBytes: 131_072 };
  const peer = new RawPeer('dialler', { limits });
  await peer.feed(hello(), open(2), data(2, [0x91, 0xd4, 0, 0], 2, [1, refKind.reader, 4]));
  const { receiver } = await peer.session.accept();
  const [reader] = (await take(receiver)).value as [ByteReader];
  await peer.frames();
  return { peer, receiver, reader };
}

/** The credit given for `id` since the last look. */
async function granted(peer: RawPeer, id: number): Promise<number> {
  const credits = (await peer.frames()).filter((one) => one.type === frameType.credit && one.id === id);
  return credits.reduce((sum, { payload }) => sum + new ByteCursor(payload, 0, payload.length).varint(), 0);
}

test('the window of a stream stays what was announced, however fast it is read: small messages wait behind no more', async () => {
  const { peer, reader } = await start();
  let [sent, given] = [0, 0];
  for (let i = 0; i < 200; i++) {
    await peer.feed(frame(frameType.bytes, 4, new Uint8Array(10_000)));
    sent += 10_000;
    expect((await reader.read())?.length).toBe(10_000);
    given += await granted(peer, 4);
    expect(given).toBeLessThanOrEqual(sent);
  }
  expect(given).toBeGreaterThan(sent - 131_072);
  peer.session.abort();
});

test('the window of a channel grows to four times what was announced while it is read, and no further', async () => {
  const { peer, receiver } = await start();
  // 32 bytes for each message beside its body, as section 5 of docs/protocol.md has it; the first one had a reference.
  let [sent, given, most] = [0, 0, 0];
  const body = [0xc5, 0x27, 0x10, ...new Uint8Array(10_000)];
  for (let i = 0; i < 200; i++) {
    await peer.feed(data(2, body));
    sent += body.length + 32;
    await take(receiver);
    given += await granted(peer, 2);
    most = Math.max(most, given - sent);
  }
  expect([most > 3 * 131_072 - 200, most < 3 * 131_072 + 200]).toStrictEqual([true, true]);
  peer.session.abort();
});
