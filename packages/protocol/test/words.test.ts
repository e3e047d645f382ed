import {
  elementKinds,
  exitText,
  isElementKind,
  isEnded,
  isSignalName,
  paddedKind,
  parseSignal,
  Phase,
  signalNames,
  signalNumber,
  sigName,
} from '@circuit/protocol';
import { constants } from 'node:os';
import { expect, test } from 'vitest';

const promised =
  'ABRT ALRM BUS CHLD CONT FPE HUP ILL INT IO IOT KILL PIPE PROF QUIT SEGV STOP SYS TERM TRAP TSTP TTIN TTOU URG USR1 USR2 VTALRM WINCH XCPU XFSZ';

test('every promised signal is known, and no other', () => {
  expect([...signalNames].sort()).toEqual(promised.split(' ').sort());
});

test('a signal is read in any case, with or without SIG, and by number', () => {
  for (const name of signalNames)
    for (const text of [name, name.toLowerCase(), sigName(name), sigName(name).toLowerCase()])
      expect(parseSignal(text)).toEqual({ ok: true, value: name });
  expect(parseSignal('9')).toEqual({ ok: true, value: 'KILL' });
  expect(parseSignal(6)).toEqual({ ok: true, value: 'ABRT' });
});

test.each(['', 'SIG', 'TERMINATE', '0', '16', '64', '-9', 0, null, {}])('%j is no signal', (text) => {
  expect(parseSignal(text)).toMatchObject({ ok: false, error: { code: 'invalid' } });
});

test.runIf(process.platform === 'linux')('the numbers are those of Linux', () => {
  for (const name of signalNames) expect(signalNumber(name)).toBe(constants.signals[sigName(name)]);
});

test('an end is put into the words of the original', () => {
  expect(exitText({ type: 'exited', code: 0 })).toBeNull();
  expect(exitText({ type: 'exited', code: 3 })).toBe('exit status 3');
  expect(exitText({ type: 'signaled', signal: 'TERM' })).toBe('signal: terminated');
  expect(exitText({ type: 'signaled', signal: 'KILL' })).toBe('signal: killed');
  expect(exitText({ type: 'signaled', signal: 'RT5' })).toBe('signal: RT5');
  expect(exitText({ type: 'unknown' })).toBe('unknown');
  expect(isSignalName('toString')).toBe(false);
});

test('phases tell who will never run again', () => {
  expect(Object.values(Phase).filter(isEnded)).toEqual(['exited', 'signaled', 'unknown']);
});

test('kinds are listed in 15 columns, a dot for none', () => {
  for (const kind of elementKinds) expect(paddedKind(kind)).toHaveLength(15);
  expect(paddedKind('proc')).toBe('proc           ');
  expect(paddedKind(undefined)).toBe('·              ');
  expect(isElementKind('@join')).toBe(true);
  expect(isElementKind('anchor')).toBe(false);
});
