import { CircuitError, errorRecord } from '@circuit/base';
import {
  allows,
  eventReply,
  failureReply,
  lesserRight,
  parseRecvAck,
  parseReply,
  resultReply,
} from '@circuit/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';

test('a result and an event come back as they were said', () => {
  expect(parseReply('send', resultReply<'send'>({ outcome: 'buffered', bytes: 3 }))).toEqual({
    ok: true,
    value: { type: 'result', result: { outcome: 'buffered', bytes: 3 } },
  });
  expect(parseReply('output', eventReply<'output'>({ type: 'gap', from: 3, to: 9 }))).toEqual({
    ok: true,
    value: { type: 'event', event: { type: 'gap', from: 3, to: 9 } },
  });
});

test('a failure comes back as the same error, without its cause', () => {
  const error = new CircuitError('conflict', 'anchor already has an element', {
    detail: 'exists',
    cause: new Error('inner'),
  });
  const parsed = parseReply('mkchan', JSON.parse(JSON.stringify(failureReply(error))));
  if (!parsed.ok || parsed.value.type !== 'failure') throw new Error('no failure');
  expect(errorRecord(parsed.value.error)).toEqual(errorRecord(error));
  expect(parsed.value.error.cause).toBeUndefined();
});

test('a malformed reply is told, never thrown', () => {
  expect(parseReply('ping', { type: 'result' })).toMatchObject({ ok: false });
  expect(parseReply('ping', { type: 'other' })).toMatchObject({ ok: false });
  fc.assert(fc.property(fc.anything(), (value) => typeof parseReply('ping', value).ok === 'boolean'));
});

test('an acknowledgement says how many bytes, a refusal why', () => {
  expect(parseRecvAck({ type: 'acknowledged', bytes: 7 })).toEqual({
    ok: true,
    value: { type: 'acknowledged', bytes: 7 },
  });
  expect(parseRecvAck({ type: 'refused', reason: 'holds channels' })).toMatchObject({ ok: true });
  expect(parseRecvAck({ type: 'acknowledged' })).toMatchObject({ ok: false });
  fc.assert(fc.property(fc.anything(), (value) => typeof parseRecvAck(value).ok === 'boolean'));
});

test('who may act may read, not the other way round', () => {
  expect(allows('act', 'read') && allows('act', 'act') && allows('read', 'read')).toBe(true);
  expect(allows('read', 'act')).toBe(false);
  expect(lesserRight('act', 'read')).toBe('read');
  expect(lesserRight('act', 'act')).toBe('act');
});
