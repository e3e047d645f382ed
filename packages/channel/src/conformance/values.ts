import type { PluggedCodec } from '../codec/codec.js';
import { plugCodec } from '../codec/plug-codec.js';
import { collect, openChannel, type Row, take } from './suite.js';

function named(name: string, message: string): Error {
  const error = new Error(message);
  Object.defineProperty(error, 'name', { value: name, configurable: true, writable: true });
  return error;
}

/** One of everything that a message may hold, made anew at each call. */
export function valueTable(): Record<string, unknown> {
  let deep: unknown = 'bottom';
  for (let i = 0; i < 50; i++) deep = i % 2 === 0 ? [deep, i] : { i, deep };
  return {
    zero: 0,
    negativeZero: -0,
    one: 1,
    negative: -129,
    fraction: 0.1,
    largest: Number.MAX_SAFE_INTEGER,
    smallest: Number.MIN_SAFE_INTEGER,
    huge: 1e300,
    beyondIntegers: 2 ** 60,
    notANumber: Number.NaN,
    infinity: Number.POSITIVE_INFINITY,
    negativeInfinity: Number.NEGATIVE_INFINITY,
    emptyText: '',
    text: 'grüße, 世界, 🎈',
    longText: 'é'.repeat(70_000),
    cutText: 'half a pair: \ud83c',
    longCutText: `\udf88${'x'.repeat(70_000)}`,
    yes: true,
    no: false,
    null: null,
    undefined: undefined,
    bigint: -(2n ** 200n) + 1n,
    zeroBigint: 0n,
    date: new Date('2024-02-29T12:34:56.789Z'),
    earlyDate: new Date(-62_135_596_800_000),
    invalidDate: new Date(Number.NaN),
    bytes: Uint8Array.of(0, 1, 254, 255),
    noBytes: new Uint8Array(0),
    buffer: Uint8Array.of(1, 2, 3).buffer,
    view: new DataView(Uint8Array.of(9, 8, 7, 6).buffer, 1, 2),
    int8: Int8Array.of(-1, 1),
    clamped: Uint8ClampedArray.of(0, 255),
    int16: Int16Array.of(-300, 300),
    uint16: Uint16Array.of(65_535),
    int32: Int32Array.of(-70_000),
    uint32: Uint32Array.of(4_000_000_000),
    float32: Float32Array.of(0.5, Number.NaN, -0),
    float64: Float64Array.of(0.1, Number.NEGATIVE_INFINITY),
    bigInt64: BigInt64Array.of(-1n),
    bigUint64: BigUint64Array.of(2n ** 64n - 1n),
    map: new Map<unknown, unknown>([
      ['a', 1],
      [2, new Map([['inner', new Set([null, undefined, -0])]])],
      [Number.NaN, { x: 1n }],
    ]),
    set: new Set<unknown>([1, 'two', [3], new Date(4)]),
    emptyMap: new Map(),
    emptySet: new Set(),
    error: new Error('plain'),
    typeError: new TypeError('wrong type'),
    namedError: named('TeapotError', 'short and stout'),
    errorWithCause: new Error('outer', { cause: new RangeError('inner') }),
    errorWithFields: Object.assign(new Error('fields'), { status: 418, when: new Date(0) }),
    emptyList: [],
    emptyObject: {},
    list: [undefined, null, [], {}, -0, Number.NaN],
    dollars: { $: 1, $$: [2], $x: { $: { b: 'no' } } },
    lookalike: { $: [3, '5'], tag: 3, body: '5' },
    oddKeys: { '': 1, 'a.b': 2, '0': 3, constructor: 4, toString: 5, hasOwnProperty: 6 },
    cutKey: { first: { '\ud800': [-0] }, '\udc00': 1, last: new Map([['\ud83d', new Error('\ud83d!')]]) },
    prototypeKey: JSON.parse('{"before":[-0.5],"__proto__":{"polluted":1},"after":2}') as unknown,
    deep,
  };
}

/** A codec without a data model: it carries bytes and nothing else. */
export function rawBytes(): PluggedCodec {
  return plugCodec({
    name: 'raw',
    encode(value) {
      if (value instanceof Uint8Array) return value;
      throw new Error('only bytes');
    },
    decode: (bytes) => bytes.slice(),
  });
}

function valueRow(codec: string): Row {
  return {
    name: `every value arrives equal through ${codec}, alone and together`,
    async run({ connect, expect }) {
      const { a, b } = await connect();
      const { sender, receiver } = await openChannel(a, b, { codec });
      for (const [name, value] of Object.entries(valueTable())) {
        await sender.send(value);
        expect((await take(receiver)).value, name).toStrictEqual(value);
      }
      const all = valueTable();
      const sent = sender.send(all);
      expect((await take(receiver)).value).toStrictEqual(all);
      await sent;
      sender.close();
      expect(await collect(receiver)).toStrictEqual([]);
      expect(({} as { polluted?: unknown }).polluted).toBe(undefined);
    },
  };
}

/** What messages may hold, and the codecs. */
export const valueRows: readonly Row[] = [
  valueRow('msgpack'),
  valueRow('json'),
  {
    name: 'nothing is shared: what either side changes afterwards the other does not see',
    async run({ connect, expect }) {
      const { a, b } = await connect();
      const { sender, receiver } = await openChannel<Record<string, unknown>>(a, b);
      for (const size of [10, 20_000, 300_000]) {
        const value = { list: [1], map: new Map([['k', 1]]), bytes: new Uint8Array(size), int16: Int16Array.of(1) };
        const sent = sender.send(value);
        value.list.push(2);
        value.map.set('k', 2);
        value.bytes.fill(9);
        value.int16[0] = 5;
        const got = (await take(receiver)).value as typeof value;
        expect([got.list, got.map, got.int16]).toStrictEqual([[1], new Map([['k', 1]]), Int16Array.of(1)]);
        expect(got.bytes.length === size && got.bytes.every((byte) => byte === 0)).toBe(true);
        got.bytes.fill(3);
        expect(value.bytes.every((byte) => byte === 9)).toBe(true);
        await sent;
      }
      sender.close();
      expect(await collect(receiver)).toStrictEqual([]);
    },
  },
  {
    name: "the sender's object is not touched, not even a frozen one",
    async run({ connect, expect }) {
      const { a, b } = await connect();
      const { sender, receiver } = await openChannel(a, b);
      const value = Object.freeze({
        missing: undefined,
        list: Object.freeze([-0, 5n]),
        inner: Object.freeze({ d: new Date(1) }),
      });
      const before = [value.list, value.inner, value.inner.d];
      await sender.send(value);
      expect([value.list, value.inner, value.inner.d].every((part, i) => part === before[i])).toBe(true);
      expect((await take(receiver)).value).toStrictEqual({
        missing: undefined,
        list: [-0, 5n],
        inner: { d: new Date(1) },
      });
      sender.close();
      expect(await collect(receiver)).toStrictEqual([]);
    },
  },
  {
    name: 'an unknown codec is refused by its name, on either side',
    async run({ connect, expect }) {
      const { a, b } = await connect({ a: { codecs: [rawBytes()] } });
      const { sender, receiver } = await openChannel(a, b);
      for (const codec of ['cbor', 'raw']) {
        let error: unknown;
        try {
          a.open({ codec });
        } catch (thrown) {
          error = thrown;
        }
        expect(error).toMatchObject({ code: 'unsupported' });
        expect((error as Error).message).toContain(codec);
      }
      sender.close();
      expect(await collect(receiver)).toStrictEqual([]);
    },
  },
  {
    name: 'a plugged codec carries its own values',
    async run({ connect, expect }) {
      const { a, b } = await connect({ a: { codecs: [rawBytes()] }, b: { codecs: [rawBytes()] } });
      const { sender, receiver } = await openChannel<Uint8Array>(a, b, { codec: 'raw' });
      const values = [new Uint8Array(0), Uint8Array.of(1, 2), new Uint8Array(100_000).fill(7)];
      const sent = Promise.all(values.map((value) => sender.send(value)));
      sender.close();
      const got = await collect(receiver);
      expect(got.map((bytes) => [bytes.length, bytes.at(-1)])).toStrictEqual(
        values.map((bytes) => [bytes.length, bytes.at(-1)]),
      );
      await sent;
    },
  },
  {
    name: 'a plugged codec refuses what it cannot carry, with type and field',
    async run({ connect, expect }) {
      const plain = plugCodec({
        name: 'plain',
        encode: (value) => new TextEncoder().encode(JSON.stringify(value, refuseTags)),
        decode: (bytes) => JSON.parse(new TextDecoder().decode(bytes)) as unknown,
      });
      const { a, b } = await connect({ a: { codecs: [plain, rawBytes()] }, b: { codecs: [plain, rawBytes()] } });
      const { sender, receiver } = await openChannel(a, b, { codec: 'plain' });
      const raw = await openChannel(a, b, { codec: 'raw' });
      const refusals: [typeof sender, unknown, string, string][] = [
        [sender, { job: { list: [1, { count: 5n }] } }, 'bigint', 'job.list[1].count'],
        [sender, { job: { at: new Date(0) } }, 'Date', 'job.at'],
        [sender, [1, new Map()], 'Map', '[1]'],
        [sender, undefined, 'undefined', 'cannot carry'],
        [raw.sender, { bytes: Uint8Array.of(1), text: 'no' }, 'string', 'text'],
      ];
      for (const [channel, value, type, field] of refusals) {
        const error = (await channel.send(value).catch((reason: unknown) => reason)) as Error;
        expect(error).toMatchObject({ code: 'unsupported' });
        expect(error.message).toContain(type);
        expect(error.message).toContain(field);
      }
      await sender.send({ fine: [1, 'two', null] });
      sender.close();
      raw.sender.close();
      expect(await collect(receiver)).toStrictEqual([{ fine: [1, 'two', null] }]);
      expect(await collect(raw.receiver)).toStrictEqual([]);
    },
  },
  {
    name: 'what no codec can carry is refused with type and field, and the channel goes on',
    async run({ connect, expect }) {
      const { a, b } = await connect();
      const { sender, receiver } = await openChannel(a, b);
      const circular: { self?: unknown } = {};
      circular.self = circular;
      const refusals: [unknown, string, string][] = [
        [{ on: { done: () => undefined } }, 'function', 'on.done'],
        [[Symbol('s')], 'symbol', '[0]'],
        [{ later: Promise.resolve(1) }, 'Promise', 'later'],
        [{ weak: new WeakMap() }, 'WeakMap', 'weak'],
        [{ pattern: /x/ }, 'RegExp', 'pattern'],
        [{ number: 10n ** 5000n }, 'bigint', 'number'],
        [circular, 'nested deeper', 'self.self'],
      ];
      for (const [value, type, field] of refusals) {
        const error = (await sender.send(value).catch((reason: unknown) => reason)) as Error;
        expect(error).toMatchObject({ code: 'invalid' });
        expect(error.message).toContain(type);
        expect(error.message).toContain(field);
      }
      await sender.send('fine');
      sender.close();
      expect(await collect(receiver)).toStrictEqual(['fine']);
    },
  },
];

function refuseTags(this: unknown, key: string, value: unknown): unknown {
  const plain = value === null || Array.isArray(value) || typeof value !== 'object';
  if (plain || Object.getPrototypeOf(value) === Object.prototype) return value;
  throw new Error(`no form for this (${key})`);
}
