import { ask, openChannel, serve } from '@circuit/channel/conformance';
import { expect, test } from 'vitest';
import { connectMemory } from '../support/transports.js';

/** What the other side gets, as it comes back. */
async function echoed(value: unknown): Promise<unknown> {
  const { a, b } = await connectMemory();
  const { sender, receiver } = await openChannel(a, b);
  const serving = serve(receiver, (got) => ({ got }));
  const { got } = (await ask(sender, value)) as { got: unknown };
  sender.close();
  await serving;
  return got;
}

test('a typed array of a class of the caller is one of the class that it extends', async () => {
  class Vector extends Float32Array {}
  class Block extends ArrayBuffer {}
  expect(await echoed([new Vector([1, 2]), new Block(3)])).toStrictEqual([
    new Float32Array([1, 2]),
    new ArrayBuffer(3),
  ]);
});

test('an error of several keeps them, and one whose name is no text still arrives', async () => {
  const several = new AggregateError([new Error('one'), new TypeError('two')], 'both failed');
  const got = (await echoed(several)) as AggregateError;
  expect([got.name, got.message]).toStrictEqual(['AggregateError', 'both failed']);
  expect(got.errors.map(String)).toStrictEqual(['Error: one', 'TypeError: two']);
  const odd = Object.assign(new Error('odd'), { name: 42 });
  expect(await echoed(odd)).toMatchObject({ name: '42', message: 'odd' });
});

test('an error has no stack of the process that received it', async () => {
  const { stackTraceLimit } = Error;
  const got = (await echoed(new RangeError('far away'))) as Error;
  expect(got.stack).toBe('RangeError: far away');
  expect(Error.stackTraceLimit).toBe(stackTraceLimit);
});
