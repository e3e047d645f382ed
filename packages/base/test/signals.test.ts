import { getEventListeners, once } from 'node:events';
import { abortError, deadline, isCircuitError, linkSignals, onAbort, orAborted, pause } from '@circuit/base';
import { ManualClock } from '@circuit/testkit';
import { expect, onTestFinished, test } from 'vitest';

test('a linked signal fires with the reason of the first parent that fires', () => {
  const a = new AbortController();
  const b = new AbortController();
  const linked = linkSignals(a.signal, undefined, b.signal);
  b.abort('second');
  expect(linked.signal.aborted).toBe(true);
  expect(linked.signal.reason).toBe('second');
});

test('a linked signal that was let go no longer follows its parents', () => {
  const parent = new AbortController();
  const linked = linkSignals(parent.signal);
  linked.dispose();
  parent.abort();
  expect(linked.signal.aborted).toBe(false);
});

test('a deadline fires as a timeout error that names the operation, and not before its time', async () => {
  const clock = new ManualClock();
  const { signal } = deadline(clock, 100, 'dial');
  await clock.advance(99);
  expect(signal.aborted).toBe(false);
  await clock.advance(1);
  expect(isCircuitError(signal.reason, 'timeout')).toBe(true);
  expect(abortError(signal).message).toBe('dial: not done within 100 ms');
});

test('a disposed deadline leaves no timer', () => {
  const clock = new ManualClock();
  deadline(clock, 100).dispose();
  expect(clock.pending).toBe(0);
});

test('a pause that is given up rejects as cancelled and leaves no timer', async () => {
  const clock = new ManualClock();
  const stop = new AbortController();
  const paused = pause(clock, 1000, { signal: stop.signal });
  stop.abort();
  await expect(paused).rejects.toMatchObject({ code: 'cancelled' });
  expect(clock.pending).toBe(0);
});

test('orAborted passes the result through when the signal stays silent', async () => {
  await expect(orAborted(Promise.resolve(7), new AbortController().signal)).resolves.toBe(7);
});

test('a signal of AbortSignal.timeout stands for a timeout, any other for a cancellation, with its reason as the cause', () => {
  // What `AbortSignal.timeout` fires with.
  const late = AbortSignal.abort(new DOMException('late', 'TimeoutError'));
  expect(abortError(late)).toMatchObject({ code: 'timeout', message: 'not done in time', cause: late.reason as Error });
  for (const reason of [undefined, null, 'enough', new Error('enough')]) {
    expect(abortError(AbortSignal.abort(reason))).toMatchObject({ code: 'cancelled' });
  }
});

test('all who wait for one signal stand behind one listener, which goes with the last of them', () => {
  const stop = new AbortController();
  const fired: string[] = [];
  const wait = (name: string): (() => void) => onAbort(stop.signal, () => fired.push(name));
  const listeners = (): number => getEventListeners(stop.signal, 'abort').length;
  const first = wait('first');
  const second = wait('second');
  expect(listeners()).toBe(1);
  first();
  first();
  expect(listeners()).toBe(1);
  second();
  expect(listeners()).toBe(0);
  const third = wait('third');
  const fourth = onAbort(stop.signal, () => {
    fired.push('fourth');
    sixth();
  });
  wait('fifth');
  const sixth = wait('sixth');
  second();
  third();
  expect(listeners()).toBe(1);
  stop.abort();
  expect(fired).toStrictEqual(['fourth', 'fifth']);
  fourth();
  wait('afterwards');
  expect(fired).toStrictEqual(['fourth', 'fifth', 'afterwards']);
  expect(listeners()).toBe(0);
});

test('what one of them throws does not keep the others from hearing, and is not swallowed', async () => {
  const stop = new AbortController();
  const others = process.listeners('unhandledRejection');
  process.removeAllListeners('unhandledRejection');
  onTestFinished(() => {
    for (const listener of others) process.on('unhandledRejection', listener);
  });
  const unhandled = once(process, 'unhandledRejection');
  let heard = false;
  onAbort(stop.signal, () => {
    throw new Error('of the first');
  });
  onAbort(stop.signal, () => (heard = true));
  stop.abort();
  expect(heard).toBe(true);
  await expect(unhandled).resolves.toMatchObject([{ message: 'of the first' }, {}]);
});
