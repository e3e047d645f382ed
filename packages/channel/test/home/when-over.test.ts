import { CircuitError, deferred } from '@circuit/base';
import { settle } from '@circuit/testkit';
import { expect, test, vi } from 'vitest';
import { whenOver } from '../../src/home/when-over.js';

test('all who watch hear how it ended, once, by one handler on the promise', async () => {
  const over = deferred();
  const handlers = vi.spyOn(over.promise, 'then');
  const heard: unknown[] = [];
  for (let i = 0; i < 3; i++) whenOver(over.promise, (failure) => heard.push(failure));
  expect(handlers).toHaveBeenCalledTimes(1);
  const reason = new CircuitError('aborted', 'by the test');
  over.reject(reason);
  await settle();
  expect(heard).toStrictEqual([reason, reason, reason]);
});

test('a clean end is no failure', async () => {
  const heard: unknown[] = [];
  whenOver(Promise.resolve(), (failure) => heard.push(failure));
  await settle();
  expect(heard).toStrictEqual([undefined]);
});

test('who has withdrawn hears nothing, also when another withdraws it', async () => {
  const over = deferred();
  const heard: string[] = [];
  let withdrawThird = (): void => undefined;
  const withdrawFirst = whenOver(over.promise, () => heard.push('first'));
  whenOver(over.promise, () => {
    heard.push('second');
    withdrawThird();
  });
  withdrawThird = whenOver(over.promise, () => heard.push('third'));
  withdrawFirst();
  over.resolve();
  await settle();
  expect(heard).toStrictEqual(['second']);
});

test('who comes late hears of it as well', async () => {
  const over = deferred();
  const heard: string[] = [];
  whenOver(over.promise, () => {
    heard.push('first');
    whenOver(over.promise, () => heard.push('second'));
  });
  over.resolve();
  await settle();
  whenOver(over.promise, () => heard.push('third'));
  await settle();
  expect(heard).toStrictEqual(['first', 'second', 'third']);
});
