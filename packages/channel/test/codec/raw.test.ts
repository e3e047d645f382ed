import { type Codec, memoryPair, plugCodec } from '@circuit/channel';
import { collect, openChannel, take } from '@circuit/channel/conformance';
import { settle } from '@circuit/testkit';
import { expect, test } from 'vitest';
import { connectMemory } from '../support/transports.js';

/** Bytes and nothing else, without a copy of its own in either direction. */
function raw(): Codec & { readonly handled: Uint8Array[] } {
  const handled: Uint8Array[] = [];
  return {
    name: 'raw',
    handled,
    encode(value) {
      if (value instanceof Uint8Array) return value;
      throw new Error('only bytes');
    },
    decode(bytes) {
      handled.push(bytes);
      return bytes;
    },
  };
}

test('bytes of any length go through a codec that copies nothing, and are the receiver’s own', async () => {
  const [mine, theirs] = [raw(), raw()];
  const pair = await connectMemory({ a: { codecs: [plugCodec(mine)] }, b: { codecs: [plugCodec(theirs)] } });
  const { a, b } = pair;
  const { sender, receiver } = await openChannel<Uint8Array>(a, b, { codec: 'raw' });
  for (const length of [0, 1, 100, 2048, 8192, 65_536, 65_537, 1_000_000]) {
    const value = new Uint8Array(length).fill(7);
    const sent = sender.send(value);
    // What the sender does afterwards is its own affair.
    value.fill(1);
    const { value: got } = await take(receiver);
    await sent;
    expect([got.length, got.every((byte) => byte === 7)]).toStrictEqual([length, true]);
    expect(got).toBe(theirs.handled.at(-1));
    got.fill(3);
    expect(value.every((byte) => byte === 1)).toBe(true);
  }
  sender.close();
  await collect(receiver);
  await pair.close();
});

test('two small messages side by side do not share a byte', async () => {
  const pair = await connectMemory({ a: { codecs: [plugCodec(raw())] }, b: { codecs: [plugCodec(raw())] } });
  const { a, b } = pair;
  const { sender, receiver } = await openChannel<Uint8Array>(a, b, { codec: 'raw' });
  await Promise.all([1, 2, 3].map((byte) => sender.send(new Uint8Array(10).fill(byte))));
  sender.close();
  const [one, two, three] = (await collect(receiver)) as [Uint8Array, Uint8Array, Uint8Array];
  two.fill(9);
  expect([one, three].map((bytes) => [...new Set(bytes)])).toStrictEqual([[1], [3]]);
  await pair.close();
});

test('raw bytes refuse everything else, ends of channels too, and those hear it', async () => {
  const pair = await connectMemory({ a: { codecs: [plugCodec(raw())] }, b: { codecs: [plugCodec(raw())] } });
  const { a, b } = pair;
  const { sender, receiver } = await openChannel(a, b, { codec: 'raw' });
  await expect(sender.send('text')).rejects.toMatchObject({ message: 'codec raw cannot carry a string: only bytes' });
  const other = a.open();
  await expect(sender.send({ to: other })).rejects.toMatchObject({
    message: 'codec raw cannot carry a channel or stream (at to): only bytes',
  });
  await expect(other.closed).rejects.toMatchObject({ code: 'undelivered' });
  sender.close();
  await collect(receiver);
  await (await b.accept()).receiver.receive().catch(() => undefined);
  await pair.close();
});

test('the pair of carriers that the tests use shares memory: only the session keeps the two sides apart', async () => {
  const [near, far] = memoryPair();
  const piece = Uint8Array.of(1);
  let got: Uint8Array | undefined;
  far.start({ data: (chunk) => (got = chunk), drained: () => undefined, closed: () => undefined });
  near.start({ data: () => undefined, drained: () => undefined, closed: () => undefined });
  near.write([piece], 1);
  await settle();
  expect(got).toBe(piece);
  near.destroy();
});
