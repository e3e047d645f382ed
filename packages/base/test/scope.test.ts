import { deferred, Scope } from '@circuit/base';
import { settle } from '@circuit/testkit';
import { expect, test } from 'vitest';

test('everything is released in reverse, each after the one before it is done', async () => {
  const order: string[] = [];
  const slow = deferred();
  const scope = new Scope();
  scope.defer(() => void order.push('first'));
  scope.defer(async () => {
    await slow.promise;
    order.push('second');
  });
  scope.defer(() => void order.push('third'));
  const closed = scope.close();
  await settle();
  expect(order).toEqual(['third']);
  slow.resolve();
  await closed;
  expect(order).toEqual(['third', 'second', 'first']);
});

test('a resource is handed over and given back', async () => {
  let closed = 0;
  const scope = new Scope();
  const resource = {
    close: () => {
      closed++;
    },
  };
  expect(scope.use(resource)).toBe(resource);
  await scope.close();
  expect(closed).toBe(1);
});

test('a second close waits for the first and releases nothing twice', async () => {
  let released = 0;
  const gate = deferred();
  const scope = new Scope();
  scope.defer(async () => {
    await gate.promise;
    released++;
  });
  const both = Promise.all([scope.close(), scope.close()]);
  await settle();
  expect(released).toBe(0);
  gate.resolve();
  await both;
  await scope.close();
  expect(released).toBe(1);
});

test('all are released although some fail, and the first failure is thrown', async () => {
  const order: string[] = [];
  const scope = new Scope();
  scope.defer(() => void order.push('last'));
  scope.defer(() => Promise.reject(new Error('second failure')));
  scope.defer(() => {
    throw new Error('first failure');
  });
  await expect(scope.close()).rejects.toThrow('first failure');
  expect(order).toEqual(['last']);
});

test('what comes during the close is released too, and what comes after it at once', async () => {
  const order: string[] = [];
  const gate = deferred();
  const scope = new Scope();
  scope.defer(() => gate.promise);
  const closed = scope.close();
  scope.defer(() => void order.push('during'));
  gate.resolve();
  await closed;
  await scope.close();
  scope.defer(() => void order.push('after'));
  await scope.close();
  expect(order).toEqual(['during', 'after']);
});

test('an empty scope closes, also by await using', async () => {
  let released = false;
  {
    await using scope = new Scope();
    scope.defer(() => {
      released = true;
    });
  }
  expect(released).toBe(true);
  await new Scope().close();
});

test('what comes after a close that failed is released all the same', async () => {
  const scope = new Scope();
  scope.defer(() => {
    throw new Error('first');
  });
  await expect(scope.close()).rejects.toThrow('first');
  let released = false;
  scope.defer(() => {
    released = true;
  });
  await expect(scope.close()).rejects.toThrow('first');
  expect(released).toBe(true);
});
