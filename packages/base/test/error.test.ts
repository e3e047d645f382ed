import { CircuitError, errorCodes, isCircuitError, isErrorCode, toCircuitError, errorRecord } from '@circuit/base';
import fc from 'fast-check';
import { expect, test } from 'vitest';

test('an error says its code, message, detail and cause', () => {
  const cause = new Error('ECONNREFUSED');
  const error = new CircuitError('unreachable', 'dial tcp 10.0.0.7:4600: connection refused', {
    cause,
    detail: 'ECONNREFUSED',
    retryable: true,
  });
  expect(error).toBeInstanceOf(Error);
  expect(error).toMatchObject({ name: 'CircuitError', code: 'unreachable', detail: 'ECONNREFUSED', retryable: true });
  expect(error.cause).toBe(cause);
});

test('without options there is no detail, no cause, and no sense in trying again', () => {
  const error = new CircuitError('invalid', 'x');
  expect(error.detail).toBeUndefined();
  expect(error.retryable).toBe(false);
  expect('cause' in error).toBe(false);
});

test('a record carries what crosses a border and nothing else', () => {
  const error = new CircuitError('gap', 'lost', { cause: new Error('inner'), detail: 'disk-full' });
  expect(errorRecord(error)).toEqual({ code: 'gap', message: 'lost', detail: 'disk-full' });
  expect(errorRecord(new CircuitError('timeout', 'late', { retryable: true }))).toEqual({
    code: 'timeout',
    message: 'late',
    retryable: true,
  });
});

test('an error comes back from its record as it was', () => {
  const options = fc.record({ detail: fc.string(), retryable: fc.boolean() }, { requiredKeys: [] });
  fc.assert(
    fc.property(fc.constantFrom(...errorCodes), fc.string(), options, (code, message, extra) => {
      const record = errorRecord(new CircuitError(code, message, extra));
      expect(errorRecord(CircuitError.fromRecord(JSON.parse(JSON.stringify(record))))).toEqual(record);
    }),
  );
});

test('whatever comes in place of a record becomes an error', () => {
  fc.assert(
    fc.property(fc.anything(), (value) => {
      expect(errorCodes).toContain(CircuitError.fromRecord(value).code);
    }),
  );
  expect(errorRecord(CircuitError.fromRecord(null))).toEqual({ code: 'internal', message: 'malformed error record' });
  expect(errorRecord(CircuitError.fromRecord({ code: 'of-tomorrow', message: 'm' }))).toEqual({
    code: 'internal',
    message: 'm',
  });
});

test('an error of another copy of this package is recognised by its brand', () => {
  const foreign = Object.assign(new Error('x'), { code: 'gone', [Symbol.for('circuit.error')]: true });
  expect(isCircuitError(foreign)).toBe(true);
  expect(isCircuitError(foreign, 'gone')).toBe(true);
  expect(isCircuitError(foreign, 'closed')).toBe(false);
});

test('what is no circuit error is not taken for one', () => {
  for (const value of [undefined, null, 'gone', new Error('x'), { code: 'gone' }])
    expect(isCircuitError(value)).toBe(false);
});

test('the brand shows neither in JSON nor among the keys', () => {
  const error = new CircuitError('gone', 'x');
  expect(
    Object.getOwnPropertySymbols(error).filter((symbol) => Object.prototype.propertyIsEnumerable.call(error, symbol)),
  ).toEqual([]);
});

test('any value can be turned into a circuit error, which keeps it as the cause', () => {
  const own = new CircuitError('gone', 'x');
  expect(toCircuitError(own, 'io')).toBe(own);
  const inner = new Error('disk full');
  expect(toCircuitError(inner, 'io')).toMatchObject({ code: 'io', message: 'disk full', cause: inner });
  expect(toCircuitError('text')).toMatchObject({ code: 'internal', message: 'text', cause: 'text' });
});

test('codes are told from other texts', () => {
  expect(errorCodes.every(isErrorCode)).toBe(true);
  expect(['', 'Gone', 'constructor', 7, null].some(isErrorCode)).toBe(false);
});
