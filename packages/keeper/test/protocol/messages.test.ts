import { expect, test } from 'vitest';
import fc from 'fast-check';
import { readListAnswer, readProcessRecord, readStartAnswer } from '../../src/protocol/answers.js';
import { validateRequest } from '../../src/protocol/messages.js';

const order = {
  path: 'sh',
  args: [],
  env: {},
  searchPath: '/bin',
  cwd: '/',
  mode: 'log',
  keepBytes: 65_536,
  windowBytes: 65_536,
  stdin: 'open',
};

test('a well-formed request passes and unknown fields are dropped', () => {
  expect(validateRequest({ id: 4, verb: 'output', process: 'a', stream: 'stdout', after: 3, later: true })).toEqual({
    ok: true,
    id: 4,
    request: { verb: 'output', process: 'a', stream: 'stdout', after: 3 },
  });
  expect(validateRequest({ id: 4, verb: 'start', process: 'a', order })).toMatchObject({ ok: true });
});

test.each([
  [{ path: '' }, 'path'],
  [{ path: 'a\0b' }, 'path'],
  [{ args: ['\0'] }, 'args'],
  [{ env: { 'A=B': '' } }, 'env'],
  [{ env: { A: 1 } }, 'env'],
  [{ cwd: 'tmp' }, 'cwd'],
  [{ mode: 'tty' }, 'mode'],
  [{ keepBytes: 1 }, 'keepBytes'],
  [{ windowBytes: -1 }, 'windowBytes'],
  [{ stdin: 'maybe' }, 'stdin'],
])('an order with %j is refused by the name of the field', (wrong, field) => {
  const validated = validateRequest({ id: 4, verb: 'start', process: 'a', order: { ...order, ...wrong } });
  expect(validated).toMatchObject({ ok: false, id: 4, reason: expect.stringContaining(field) as string });
});

test('a process id that could leave its folder is refused', () => {
  for (const process of ['', '..', 'a/b', 'a.b', 'x'.repeat(65), 7, null]) {
    expect(validateRequest({ id: 1, verb: 'forget', process })).toMatchObject({ ok: false, id: 1 });
  }
});

test('nothing that JSON can hold makes a validator throw', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      validateRequest(value);
      validateRequest({ id: 1, verb: 'start', process: 'a', order: value });
      readProcessRecord(value);
      readListAnswer({ processes: [value] });
      readStartAnswer({ ok: true, process: value });
    }),
  );
});

test('a record that says ended without an exit is malformed, so an exit can never be guessed', () => {
  const stream = { startOffset: 0, endOffset: 0, eof: true, lostBytes: 0, droppedBytes: 0 };
  const record = { id: 'a', pid: 1, startTime: '1', bootId: 'b', startedMs: 0, stdout: stream, stderr: stream };
  expect(readProcessRecord({ ...record, phase: 'ended' })).toBeUndefined();
  expect(readProcessRecord({ ...record, phase: 'ended', exit: { kind: 'exited' } })).toBeUndefined();
  expect(readProcessRecord({ ...record, phase: 'ended', exit: { kind: 'exited', code: 3 } })?.exit).toEqual({
    kind: 'exited',
    code: 3,
  });
});
