import { CircuitError, type ErrorCode, errorCodes } from '@circuit/base';
import { type ExitSituation, exitCodeOf, exitCodeOfProc } from '@circuit/protocol';
import { expect, test } from 'vitest';

const plain: { readonly [C in ErrorCode]: number } = {
  invalid: 2,
  'not-found': 3,
  denied: 4,
  conflict: 5,
  gone: 5,
  closed: 5,
  aborted: 5,
  cancelled: 1,
  timeout: 124,
  unreachable: 125,
  'peer-gone': 1,
  'outcome-unknown': 1,
  undelivered: 1,
  limit: 1,
  protocol: 1,
  unsupported: 1,
  'cannot-start': 126,
  gap: 6,
  io: 1,
  internal: 1,
};

test.each(Object.entries(plain))('%s ends a verb with %i', (code, exit) => {
  expect(exitCodeOf(new CircuitError(code as ErrorCode, 'x'))).toBe(exit);
});

test('an absent anchor is 3, an absent file of this machine a usage error', () => {
  expect(exitCodeOf(new CircuitError('not-found', 'x'))).toBe(3);
  expect(exitCodeOf(new CircuitError('not-found', 'x', { detail: 'ENOENT' }))).toBe(2);
});

test('no command found is 127, one that cannot run 126, in every situation that can start one', () => {
  for (const situation of ['plain', 'remote-before'] as const) {
    expect(exitCodeOf(new CircuitError('cannot-start', 'x', { detail: 'not-found' }), situation)).toBe(127);
    expect(exitCodeOf(new CircuitError('cannot-start', 'x', { detail: 'ENOENT' }), situation)).toBe(127);
    expect(exitCodeOf(new CircuitError('cannot-start', 'x', { detail: 'EACCES' }), situation)).toBe(126);
  }
});

test.each<[ExitSituation, readonly number[]]>([
  ['remote-before', [124, 125, 126, 255]],
  ['remote-after', [5, 124, 255]],
])('in %s only the codes that are set apart occur', (situation, allowed) => {
  const found = new Set(errorCodes.map((code) => exitCodeOf(new CircuitError(code, 'x'), situation)));
  expect([...found].sort((a, b) => a - b)).toEqual(allowed);
});

test('no failure ends with 0', () => {
  for (const code of errorCodes)
    for (const situation of ['plain', 'remote-before', 'remote-after'] as const)
      expect(exitCodeOf(new CircuitError(code, 'x'), situation)).not.toBe(0);
});

test('the end of a process is passed on; what nobody knows is 255', () => {
  expect(exitCodeOfProc({ Phase: 'exited', ExitCode: 3, Signal: null })).toBe(3);
  expect(exitCodeOfProc({ Phase: 'exited', ExitCode: 0, Signal: null })).toBe(0);
  expect(exitCodeOfProc({ Phase: 'signaled', ExitCode: null, Signal: 'TERM' })).toBe(143);
  expect(exitCodeOfProc({ Phase: 'signaled', ExitCode: null, Signal: 'RT5' })).toBe(255);
  expect(exitCodeOfProc({ Phase: 'unknown', ExitCode: null, Signal: null })).toBe(255);
  expect(exitCodeOfProc({ Phase: 'running', ExitCode: null, Signal: null })).toBe(255);
});
