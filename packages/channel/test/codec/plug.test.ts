import {
  ChannelSession,
  type Codec,
  memoryPair,
  plugCodec,
  type PluggedCodec,
  relay,
  type Session,
} from '@circuit/channel';
import { collect, openChannel, take } from '@circuit/channel/conformance';
import { expect, test } from 'vitest';
import { cbor } from '../support/cbor.js';
import { connectMemory } from '../support/transports.js';

const text: Codec = {
  name: 'text',
  encode: (value) => new TextEncoder().encode(String(value)),
  decode: (bytes) => new TextDecoder().decode(bytes),
};

test('the codec of a channel is its own, else that of the session, else msgpack', async () => {
  const pair = await connectMemory({
    a: { codecs: [plugCodec(text)], codec: 'text' },
    b: { codecs: [plugCodec(text)] },
  });
  const { a, b } = pair;
  const names: string[] = [];
  for (const [session, codec] of [
    [a, undefined],
    [a, 'json'],
    [b, undefined],
  ] as const) {
    const sender = session.open(codec === undefined ? {} : { codec });
    await sender.send(5);
    const accepted = await (session === a ? b : a).accept();
    names.push(accepted.codec);
    expect((await take(accepted.receiver)).value).toBe(accepted.codec === 'text' ? '5' : 5);
    sender.close();
    await collect(accepted.receiver);
  }
  expect(names).toStrictEqual(['text', 'json', 'msgpack']);
  await pair.close();
});

test('a codec that this side or the other does not know is refused by name, and the session goes on', async () => {
  const pair = await connectMemory({ a: { codecs: [cbor()] } });
  const { a, b } = pair;
  const { sender, receiver } = await openChannel(a, b);
  expect(() => a.open({ codec: 'xml' })).toThrow('codec xml: unknown here, known are msgpack, json, cbor');
  expect(() => a.open({ codec: 'cbor' })).toThrow(/^codec cbor: memory .* knows msgpack, json$/);
  await sender.send('still here');
  expect((await take(receiver)).value).toBe('still here');
  sender.close();
  await collect(receiver);
  await pair.close();
});

test('a channel opened before the other side has said what it knows fails by name when it has', async () => {
  const [near, far] = memoryPair();
  const a = new ChannelSession(near, 'dialler', { codecs: [cbor()], codec: 'cbor' });
  const early = a.open();
  const sending = early.send(1);
  const fine = a.open({ codec: 'json' });
  const b = new ChannelSession(far, 'listener');
  await expect(sending).rejects.toMatchObject({ code: 'unsupported' });
  await expect(early.closed).rejects.toMatchObject({ message: expect.stringContaining('codec cbor') as string });
  await fine.send('x');
  const { receiver } = await b.accept();
  expect((await take(receiver)).value).toBe('x');
  fine.close();
  await collect(receiver);
  await Promise.all([a.close(), b.close()]);
});

test('a session with a default that it does not know, too many codecs or a nameless one is not made', () => {
  const make = (options: ConstructorParameters<typeof ChannelSession>[2]) => (): Session =>
    new ChannelSession(memoryPair()[0], 'dialler', options);
  expect(make({ codec: 'cbor' })).toThrow('codec cbor: unknown here');
  expect(() => plugCodec({ ...text, name: '' })).toThrow('name of 0 bytes, want 1 to 64');
  expect(() => plugCodec({ ...text, name: 'é'.repeat(33) })).toThrow('name of 66 bytes');
  const many = Array.from({ length: 31 }, (_, i) => plugCodec({ ...text, name: `c${i}` }));
  expect(make({ codecs: many })).toThrow('33 codecs with msgpack and json, the limit is 32');
});

test('an encoder that answers with something else than bytes is refused at the sender', async () => {
  const broken = [undefined, null, 'text', [1, 2]].map(
    (answer, i): PluggedCodec =>
      plugCodec({ ...text, name: `broken${i}`, encode: () => answer as unknown as Uint8Array }),
  );
  const pair = await connectMemory({ a: { codecs: broken }, b: { codecs: broken } });
  const { a, b } = pair;
  for (const { name } of broken) {
    const { sender, receiver } = await openChannel(a, b, { codec: name });
    await expect(sender.send(1)).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining('want a Uint8Array') as string,
    });
    sender.close();
    await collect(receiver);
  }
  await pair.close();
});

test('the field that is named lies in a collection if the codec carries the collection', async () => {
  // MessagePack without bigints.
  const inner = (await import('@circuit/channel')).messagePack();
  const noBigints = plugCodec({
    ...inner,
    name: 'no-bigints',
    encode(value) {
      const bytes = inner.encode(value);
      if (JSON.stringify(value).includes('"tag":3')) throw new Error('too big');
      return bytes;
    },
  });
  const pair = await connectMemory({ a: { codecs: [noBigints] }, b: { codecs: [noBigints] } });
  const { a, b } = pair;
  const { sender, receiver } = await openChannel(a, b, { codec: 'no-bigints' });
  const refusals: readonly [unknown, string][] = [
    [{ m: new Map([['k', { n: 1n }]]) }, '(at m<map 0>.n)'],
    [[new Set([0, [5n]])], '(at [0]<set 1>[0])'],
    [{ e: Object.assign(new Error('x'), { status: 1n }) }, '(at e.status)'],
  ];
  for (const [value, where] of refusals) {
    const error = (await sender.send(value).catch((reason: unknown) => reason)) as Error;
    expect(error.message).toContain(`codec no-bigints cannot carry a bigint ${where}`);
  }
  sender.close();
  await collect(receiver);
  await pair.close();
});

test('through a relay a plugged codec is neither decoded nor needed twice, but must be known to name the channel', async () => {
  const first = await connectMemory({ a: { codecs: [cbor()] }, b: { codecs: [cbor()] } });
  const second = await connectMemory({ a: { codecs: [cbor()] }, b: { codecs: [cbor()] } });
  const inward = await openChannel(first.a, first.b, { codec: 'cbor' });
  const onward = await openChannel(second.a, second.b, { codec: 'cbor' });
  relay(inward.receiver, onward.sender);
  await inward.sender.send({ n: 5n });
  expect((await take(onward.receiver)).value).toStrictEqual({ n: 5n });
  inward.sender.close();
  await collect(onward.receiver);
  await Promise.all([first.close(), second.close()]);
});

test.each<[string, (bytes: Buffer) => Uint8Array]>([
  ['a Buffer', (bytes) => bytes],
  ['a Uint8Array', (bytes) => new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)],
])('an encoder may write all messages into %s of its own, those that wait as well', async (_what, as) => {
  const room = Buffer.alloc(40_000);
  const reusing = plugCodec({
    name: 'reusing',
    encode: (value) => as(room.fill(value as number)),
    decode: (body) => body[0],
  });
  const { a, b } = await connectMemory({ a: { codecs: [reusing], codec: 'reusing' }, b: { codecs: [reusing] } });
  const sender = a.open();
  const { receiver } = await b.accept();
  const values = Array.from({ length: 20 }, (_none, i) => i);
  const sending = Promise.all(values.map((value) => sender.send(value)));
  for (const value of values) expect((await take(receiver)).value).toBe(value);
  await sending;
  sender.close();
});
