import { isDeepStrictEqual, inspect } from 'node:util';
import { relay, type Receiver, type Sender } from '@circuit/channel';
import { collect, openChannel, type Pair, take, valueTable } from '@circuit/channel/conformance';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { anyValue } from '../support/any-value.js';
import { connectMemory, connectTcp } from '../support/transports.js';

/** What is sent on the one end comes out at the other. */
type Way = { readonly sender: Sender; readonly receiver: Receiver; readonly close: () => Promise<void> };

const ways: Readonly<Record<string, (codec: string) => Promise<Way>>> = {
  async 'a session'(codec) {
    const pair = await connectTcp();
    const { a, b } = pair;
    return { ...(await openChannel(b, a, { codec })), close: () => pair.close() };
  },
  async 'a relay'(codec) {
    return relayed(await connectMemory(), codec, await connectTcp(), codec);
  },
  /** The second session speaks the other codec, so every value is decoded and encoded on the way. */
  async 'a relay that changes the codec'(codec) {
    return relayed(await connectMemory(), codec, await connectMemory(), codec === 'json' ? 'msgpack' : 'json');
  },
};

async function relayed(first: Pair, firstCodec: string, second: Pair, secondCodec: string): Promise<Way> {
  const inward = await openChannel(first.a, first.b, { codec: firstCodec });
  const onward = await openChannel(second.a, second.b, { codec: secondCodec });
  relay(inward.receiver, onward.sender);
  const close = async (): Promise<void> => {
    await Promise.all([first.close(), second.close()]);
  };
  return { sender: inward.sender, receiver: onward.receiver, close };
}

for (const codec of ['msgpack', 'json']) {
  for (const [name, connect] of Object.entries(ways)) {
    test(`${codec} through ${name}: whatever is sent arrives equal, and is not touched`, async () => {
      const { sender, receiver, close } = await connect(codec);
      const check = async (value: unknown): Promise<void> => {
        const before = structuredClone(value);
        const sent = sender.send(value);
        const { value: got } = await take(receiver);
        await sent;
        // Not toStrictEqual: it takes a key named `constructor` for the class.
        expect(isDeepStrictEqual(got, value), inspect([got, value], { depth: 9 })).toBe(true);
        expect(isDeepStrictEqual(value, before)).toBe(true);
      };
      for (const [field, value] of Object.entries(valueTable())) {
        await sender.send(value);
        expect((await take(receiver)).value, field).toStrictEqual(value);
      }
      await fc.assert(fc.asyncProperty(anyValue, check), { numRuns: 200 });
      sender.close();
      expect(await collect(receiver)).toStrictEqual([]);
      await close();
    });
  }
}
