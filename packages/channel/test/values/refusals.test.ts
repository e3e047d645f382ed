import { expect, test } from 'vitest';
import { lower } from '../../src/values/lower.js';

const bad = (): void => undefined;
const withProto = JSON.parse('{"__proto__":{"polluted":1}}') as object;
let deep: unknown = 'bottom';
for (let level = 0; level < 129; level++) deep = [deep];

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

function detachedBytes(): Uint8Array {
  const bytes = new Uint8Array(2);
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
  return bytes;
}

function detached(): Float32Array {
  const view = new Float32Array(2);
  structuredClone(view.buffer, { transfer: [view.buffer] });
  return view;
}

test.each<[string, unknown, string]>([
  ['by itself', bad, 'cannot send a function'],
  ['in a list', [1, bad], 'cannot send a function (at [1])'],
  ['in a field', { job: bad }, 'cannot send a function (at job)'],
  ['below both', { job: [{ run: bad }] }, 'cannot send a function (at job[0].run)'],
  ['as a key', new Map([[bad, 1]]), 'cannot send a function (at <map 0>)'],
  [
    'in a map',
    {
      m: new Map([
        [1, 2],
        [3, bad],
      ] as [number, unknown][]),
    },
    'cannot send a function (at m<map 1>)',
  ],
  ['in a set', [new Set([0, [Symbol('s')]])], 'cannot send a symbol (at [0]<set 1>[0])'],
  ['in an error', { e: Object.assign(new Error('x'), { run: bad }) }, 'cannot send a function (at e.run)'],
  ['behind a key of its own kind', { x: { ...withProto, run: bad } }, 'cannot send a function (at x.run)'],
  ['behind __proto__', Object.assign(JSON.parse('{"__proto__":1}') as object, { run: [bad] }), '(at run[0])'],
  ['an object without properties', { wait: Promise.resolve() }, 'cannot send a Promise (at wait)'],
  ['a long bigint', { n: 10n ** 4096n }, 'cannot send a bigint of more than 4096 digits (at n)'],
  [
    'what throws when it is looked at',
    {
      job: {
        get id() {
          throw new Error('no id');
        },
      },
    },
    'cannot send a value: no id (at job.id)',
  ],
  ['a proxy that was revoked', [revoked()], 'revoked (at [0])'],
  ['a typed array whose memory went elsewhere', { view: detached() }, '(at view)'],
  ['too deep', { deep }, `cannot send a value nested deeper than 128, or circular (at deep${'[0]'.repeat(65)}[)`],
  ['bytes whose memory went elsewhere', { a: [detachedBytes()] }, '(at a[0])'],
])('what cannot be sent is named with its field: %s', (_where, value, message) => {
  expect(() => lower(value, () => 0)).toThrow(
    expect.objectContaining({ code: 'invalid', message: expect.stringMatching(ending(message)) as string }) as Error,
  );
});

/** Matches the end of a message. */
function ending(text: string): RegExp {
  return new RegExp(`${text.replace(/[[\]().*]/g, '\\$&')}$`);
}

test('a value that stands in itself again and again, and one full of holes, are given up at the bound', () => {
  let doubled: unknown = [1];
  for (let level = 0; level < 60; level++) doubled = [doubled, doubled];
  const holes: unknown[] = [];
  holes.length = 1e9;
  const nested = new Map<unknown, unknown>();
  let maps: unknown = nested;
  for (let level = 0; level < 60; level++) maps = new Map([[maps, maps]]);
  for (const value of [doubled, holes, maps]) {
    expect(() => lower(value, () => 0)).toThrow(
      expect.objectContaining({
        code: 'limit',
        message: 'more than 1048576 lists, objects and other values in one message',
      }) as Error,
    );
  }
});

test('a list may be 128 deep and no deeper; bytes that are empty are no bytes that went elsewhere', () => {
  let deep: unknown = [];
  for (let depth = 1; depth < 128; depth++) deep = [deep];
  expect(lower(deep, () => 0)).toStrictEqual(deep);
  expect(() => lower([deep], () => 0)).toThrow('nested deeper than 128');
  expect(lower(new Uint8Array(0), () => 0)).toStrictEqual(new Uint8Array(0));
});
