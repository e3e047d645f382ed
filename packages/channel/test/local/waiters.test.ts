import { expect, test } from 'vitest';
import { Waiters } from '../../src/local/waiters.js';

test('those who wait are called once, in order, as long as an attempt is worth making; the others wait on', () => {
  const waiters = new Waiters();
  const called: string[] = [];
  let things = 2;
  const take = (name: string) => (): void => {
    called.push(name);
    things--;
  };
  for (const name of ['a', 'b', 'c', 'd']) waiters.add(take(name));
  waiters.notify(() => things > 0);
  expect([called, waiters.some]).toStrictEqual([['a', 'b'], true]);
  waiters.notify();
  expect([called, waiters.some]).toStrictEqual([['a', 'b', 'c', 'd'], false]);
  waiters.notify();
  expect(called.length).toBe(4);
});

test('who is withdrawn by another is not called, and who comes again meanwhile is called the next time', () => {
  const waiters = new Waiters();
  const called: string[] = [];
  const again = (): void => {
    called.push('again');
    waiters.add(again);
    withdraw();
  };
  waiters.add(again);
  const withdraw = waiters.add(() => called.push('withdrawn'));
  waiters.add(() => called.push('last'));
  waiters.notify();
  expect(called.filter((name) => name !== 'again')).toStrictEqual(['last']);
  expect(called[0]).toBe('again');
  expect(waiters.some).toBe(true);
});
