import { deferred } from '@circuit/base';
import { expect, test } from 'vitest';

test('a deferred is resolved from outside, once', async () => {
  const number = deferred<number>();
  number.resolve(1);
  number.resolve(2);
  number.reject(new Error('late'));
  await expect(number.promise).resolves.toBe(1);
});

test('a deferred is rejected from outside', async () => {
  const nothing = deferred();
  nothing.reject(new Error('no'));
  await expect(nothing.promise).rejects.toThrow('no');
});

test('a deferred follows a promise that it is resolved with', async () => {
  const inner = deferred<string>();
  const outer = deferred<string>();
  outer.resolve(inner.promise);
  inner.resolve('through');
  await expect(outer.promise).resolves.toBe('through');
});
