import { plugCodec } from '@circuit/channel';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import * as frameType from '../../src/wire/frame-type.js';
import { cbor } from '../support/cbor.js';
import { data, frame, hello, open, RawPeer, unhex } from '../support/raw-peer.js';

const throws = plugCodec({
  name: 'throws',
  encode: () => new Uint8Array(0),
  decode() {
    // What a decoder throws need be no error.
    const what: unknown = undefined;
    throw what;
  },
});

/** A session that knows a codec beside the two, with a channel of it and one of MessagePack. */
async function withChannel(codec: string): Promise<RawPeer> {
  const peer = new RawPeer('listener', { codecs: [cbor(), throws] });
  await peer.feed(hello({}, ['msgpack', 'json', 'cbor', 'throws']), open(1, codec), open(3));
  return peer;
}

const bodies: readonly [string, string, string][] = [
  ['nothing at all', 'cbor', ''],
  ['an unknown tag', 'cbor', 'd9ffff00'],
  ['a list of four thousand million elements', 'cbor', '9affffffff'],
  ['a string of four thousand million bytes', 'cbor', '7affffffff'],
  ['lists sixty thousand deep', 'cbor', `${'81'.repeat(60_000)}00`],
  ['tags sixty thousand deep', 'cbor', `${'c1'.repeat(60_000)}00`],
  ['a reference that did not come', 'cbor', 'd99c4000'],
  ['a reference of no number', 'cbor', 'd99c40f6'],
  ['bytes behind the value', 'cbor', '0000'],
  ['a list without an end', 'cbor', '9f00ff'],
  ['whatever', 'throws', '00'],
];

for (const [name, codec, body] of bodies) {
  test(`${codec}: ${name} ends that channel, not the session`, async () => {
    const peer = await withChannel(codec);
    await peer.feed(data(1, [...unhex(body)]), data(3, [0x07]));
    const { receiver } = await peer.session.accept();
    const good = (await peer.session.accept()).receiver;
    const outcome = await receiver.receive().catch((error: unknown) => error);
    expect(({} as { polluted?: number }).polluted).toBe(undefined);
    expect(outcome).toMatchObject({ code: 'protocol' });
    expect((outcome as Error).message).toContain('malformed message');
    expect((await peer.frames()).filter(({ type }) => type === frameType.cancel).map(({ id }) => id)).toStrictEqual([
      1,
    ]);
    expect(await good.receive()).toMatchObject({ value: 7 });
    await peer.feed(frame(frameType.close, 1), frame(frameType.close, 3));
    expect((await good.receive()).done).toBe(true);
    expect(peer.session.stats).toMatchObject({ channels: 0, unreadBytes: 0 });
    peer.session.abort();
  });
}

test('a key named __proto__ in CBOR is a key of that object and no more', async () => {
  const peer = await withChannel('cbor');
  await peer.feed(data(1, [...unhex('a1695f5f70726f746f5f5fa168706f6c6c7574656401')]));
  const { value } = await (await peer.session.accept()).receiver.receive();
  expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
  expect((value as { polluted?: number }).polluted).toBe(undefined);
  peer.session.abort();
});

test('random bodies through every codec decode or end their channel', async () => {
  for (const codec of ['msgpack', 'json', 'cbor']) {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (body) => {
        const peer = await withChannel(codec);
        await peer.feed(data(1, [...body]), data(3, [0x07]));
        const { receiver } = await peer.session.accept();
        const good = (await peer.session.accept()).receiver;
        await receiver.receive().catch((error: unknown) => expect(error).toMatchObject({ code: 'protocol' }));
        expect(await good.receive()).toMatchObject({ value: 7 });
        peer.session.abort();
      }),
      { numRuns: 300 },
    );
  }
});
