import { isDeepStrictEqual } from 'node:util';
import { bytePipe, type ByteReader, pipe, type Receiver, type Sender } from '@circuit/channel';
import { ask, collect, openChannel, serve, take } from '@circuit/channel/conformance';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cbor } from '../support/cbor.js';
import { connectMemory } from '../support/transports.js';

const both = { a: { codecs: [cbor()] }, b: { codecs: [cbor()], codec: 'cbor' } };

test('plain data, bytes, undefined, -0, bigints and dates arrive equal through CBOR', async () => {
  const pair = await connectMemory(both);
  const { a, b } = pair;
  const { sender, receiver } = await openChannel(a, b, { codec: 'cbor' });
  const leaf = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.double(),
    fc.maxSafeInteger(),
    fc.boolean(),
    fc.bigInt(),
    fc.date({ noInvalidDate: true, min: new Date(-8e12), max: new Date(8e12) }),
    fc.uint8Array(),
    fc.constantFrom(null, undefined, -0, 2 ** 60),
  );
  const key = fc.string().filter((text) => text !== '__proto__');
  const { value: anything } = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      leaf,
      fc.array(tie('value')),
      fc.dictionary(key, tie('value'), { noNullPrototype: true }),
    ),
  }));
  await fc.assert(
    fc.asyncProperty(anything, async (value) => {
      await sender.send(value);
      const { value: got } = await take(receiver);
      // Not toStrictEqual: it takes a key named `constructor` for the class.
      expect(isDeepStrictEqual(got, value)).toBe(true);
    }),
    { numRuns: 500 },
  );
  sender.close();
  await collect(receiver);
  await pair.close();
});

test('ends and streams travel in CBOR, and what came in a CBOR message speaks CBOR', async () => {
  const pair = await connectMemory(both);
  const { a, b } = pair;
  // The default of side b is CBOR.
  const { sender, receiver } = await openChannel(b, a);
  const [data, replies] = [bytePipe(), pipe(1)];
  const asking = sender.send({ data: data.reader, list: [{ replies: replies.sender }] }, { returns: true });
  const message = await take(receiver);
  const { data: reader, list } = message.value as { data: ByteReader; list: [{ replies: Sender }] };
  await data.writer.write(Uint8Array.of(1, 2));
  data.writer.close();
  expect(await reader.read()).toStrictEqual(Uint8Array.of(1, 2));
  expect(await reader.read()).toBe(undefined);
  const [{ replies: reply }] = list;
  await expect(reply.send({ a: [new Map()] })).rejects.toMatchObject({
    code: 'unsupported',
    message: 'codec cbor cannot carry a Map (at a[0]): cbor has no form for it',
  });
  await reply.send(5n);
  reply.close();
  expect(await collect(replies.receiver)).toStrictEqual([5n]);
  await message.ret.send('answer');
  message.ret.close();
  expect(await collect(await asking)).toStrictEqual(['answer']);
  sender.close();
  await collect(receiver);
  await pair.close();
});

test('what CBOR has no form for is refused with type and field, and the channel goes on', async () => {
  const pair = await connectMemory(both);
  const { a, b } = pair;
  const { sender, receiver } = await openChannel(a, b, { codec: 'cbor' });
  const refusals: readonly [unknown, string][] = [
    [{ value: { a: { b: new Map([[1, 2]]) } } }, 'codec cbor cannot carry a Map (at value.a.b)'],
    [{ tags: new Set(['x']) }, 'codec cbor cannot carry a Set (at tags)'],
    [[1, [new Error('no')]], 'codec cbor cannot carry an Error (at [1][0])'],
    [{ samples: Float32Array.of(1) }, 'codec cbor cannot carry a typed array (at samples)'],
    [
      JSON.parse('{"x":{"__proto__":1}}'),
      'cannot carry an object with a key __proto__ or one that is no Unicode (at x)',
    ],
    ['\ud83d', 'codec cbor cannot carry a text with half a surrogate pair:'],
    [new Map(), 'codec cbor cannot carry a Map:'],
  ];
  for (const [value, text] of refusals) {
    const error = (await sender.send(value).catch((reason: unknown) => reason)) as Error;
    expect(error).toMatchObject({ code: 'unsupported' });
    expect(error.message).toContain(text);
  }
  const serving = serve(receiver as Receiver<number>, (value) => value * 2);
  expect(await ask(sender, 21)).toBe(42);
  sender.close();
  await serving;
  await pair.close();
});
