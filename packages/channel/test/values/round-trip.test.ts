import { inspect, isDeepStrictEqual } from 'node:util';
import { isCircuitError } from '@circuit/base';
import { type Codec, json, messagePack } from '@circuit/channel';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { lower } from '../../src/values/lower.js';
import { reviver } from '../../src/values/revive.js';
import { anyValue } from '../support/any-value.js';

const noEnd = (): never => {
  throw new Error('no end expected');
};

function roundTrip(codec: Codec, value: unknown): unknown {
  return codec.decode(codec.encode(lower(value, noEnd)).slice(), reviver({ end: noEnd, standIn: noEnd }));
}

for (const codec of [messagePack(), json()]) {
  test(`whatever is sent through ${codec.name} arrives equal, and is not touched`, () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        const before = structuredClone(value);
        // Not toStrictEqual: it takes a key named `constructor` for the class.
        const got = roundTrip(codec, value);
        expect(isDeepStrictEqual(got, value), inspect([got, value], { depth: 9 })).toBe(true);
        expect(isDeepStrictEqual(value, before)).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  test(`an error of ours arrives through ${codec.name} as one of ours`, async () => {
    const { CircuitError } = await import('@circuit/base');
    const error = new CircuitError('gone', 'moved', { detail: 'x', retryable: true, cause: new Error('kept here') });
    const got = roundTrip(codec, error);
    expect(isCircuitError(got, 'gone')).toBe(true);
    expect(got).toMatchObject({ message: 'moved', detail: 'x', retryable: true });
  });
}

test('an object of a class arrives as a plain one, and undefined holes as undefined', () => {
  class Point {
    readonly x = 1;
    readonly y = -0;
  }
  expect(roundTrip(messagePack(), new Point())).toStrictEqual({ x: 1, y: -0 });

  expect(roundTrip(messagePack(), [1, , 3])).toStrictEqual([1, undefined, 3]);
  expect(roundTrip(messagePack(), Object.assign(Object.create(null) as object, { a: 1 }))).toStrictEqual({ a: 1 });
});
