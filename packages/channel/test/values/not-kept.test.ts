import { runInNewContext } from 'node:vm';
import { handlerSender, pipe, queue } from '@circuit/channel';
import { ask, openChannel, serve, take } from '@circuit/channel/conformance';
import { expect, test } from 'vitest';
import { connectMemory } from '../support/transports.js';

// What docs/channels.md says beyond its table of values.

/** What the other side gets. */
async function arrived(value: unknown): Promise<unknown> {
  const { a, b } = await connectMemory();
  const { sender, receiver } = await openChannel(a, b);
  await sender.send(value);
  return (await take(receiver)).value;
}

test('properties with symbols for names, and own ones of what is no plain object, are dropped', async () => {
  const own = { extra: 1 };
  const odd = [{ a: 1, [Symbol('s')]: 2 }, ...[[1], new Map(), new Set(), new Date(0), new Uint8Array(1)]];
  for (const value of odd.slice(1)) Object.assign(value, own);
  class Ages extends Map<string, number> {
    readonly unit = 'years';
  }
  const plain = [{ a: 1 }, [1], new Map(), new Set(), new Date(0), new Uint8Array(1), new Map([['ann', 30]])];
  expect(await arrived([...odd, new Ages([['ann', 30]])])).toStrictEqual(plain);
});

test('holes, prototypes and what stands twice are not what they were', async () => {
  const list: unknown[] = [1];
  list[2] = 3;
  const got = (await arrived([list, Object.create(null), Buffer.from('x')])) as [unknown[], object, Uint8Array];
  expect(got).toStrictEqual([[1, undefined, 3], {}, new Uint8Array([120])]);
  expect([1 in got[0], Object.getPrototypeOf(got[1]) === Object.prototype]).toStrictEqual([true, true]);
  const twice = { a: 1 };
  const [one, two] = (await arrived([twice, twice])) as [object, object];
  expect([one, two]).toStrictEqual([{ a: 1 }, { a: 1 }]);
  expect(one).not.toBe(two);
});

test('an error of several and one of the platform are errors with their names', async () => {
  const got = (await arrived([new AggregateError([], 'all'), new DOMException('gone', 'AbortError')])) as Error[];
  expect(got.map((error) => [error.constructor, error.name, error.message])).toStrictEqual([
    [Error, 'AggregateError', 'all'],
    [Error, 'AbortError', 'gone'],
  ]);
});

test('maps, sets, dates and errors of another realm arrive as those of this one', async () => {
  const value: unknown = runInNewContext(
    '({ map: new Map([[1, new Set([2])]]), date: new Date(3), error: new RangeError("x", { cause: new Error("y") }) })',
  );
  const got = (await arrived(value)) as { error: Error };
  expect(got).toMatchObject({ map: new Map([[1, new Set([2])]]), date: new Date(3) });
  expect([got.error.constructor, got.error.message, got.error.cause]).toStrictEqual([RangeError, 'x', new Error('y')]);
});

test('what only says that it is a map or a date is refused, an array buffer of another realm as well', async () => {
  const { a, b } = await connectMemory();
  const { sender } = await openChannel(a, b);
  const says = (what: string): object =>
    new (class {
      get [Symbol.toStringTag](): string {
        return what;
      }
    })();
  for (const value of [says('Map'), says('Set'), says('Date'), says('Error'), runInNewContext('new ArrayBuffer(1)')])
    await expect(sender.send(value)).rejects.toMatchObject({ code: 'invalid' });
});

test('lists, plain objects and typed arrays of another realm arrive', async () => {
  const value: unknown = runInNewContext('[{ a: new Uint8Array([1]) }]');
  expect(await arrived(value)).toStrictEqual([{ a: new Uint8Array([1]) }]);
});

test('received bytes are a view into their message', async () => {
  const { bytes } = (await arrived({ bytes: new Uint8Array(5), more: 'x'.repeat(100) })) as { bytes: Uint8Array };
  expect(bytes.buffer.byteLength).toBeGreaterThan(100);
  expect(bytes.slice().buffer.byteLength).toBe(5);
});

test('a pipe, a queue and a handler get the value itself', async () => {
  const value = { n: 1 };
  const [straight, behind] = [pipe(1), pipe(1)];
  await straight.sender.send(value);
  await queue(behind.sender).send(value);
  expect((await take(straight.receiver)).value).toBe(value);
  expect((await take(behind.receiver)).value).toBe(value);
  expect(
    await ask(
      handlerSender((got, ret) => ret.send({ same: got === value })),
      value,
    ),
  ).toStrictEqual({ same: true });
});

test('closing, aborting and cancelling what was given away does nothing', async () => {
  const { a, b } = await connectMemory();
  const { sender, receiver } = await openChannel(a, b);
  const [to, from] = [pipe(1), pipe(1)];
  const serving = serve(receiver, () => undefined);
  const sent = sender.send({ to: to.sender, from: from.receiver });
  to.sender.close();
  to.sender.abort();
  from.receiver.cancel();
  await sent;
  await from.sender.send('still there');
  await expect(to.sender.send(1)).rejects.toMatchObject({ code: 'conflict' });
  sender.close();
  await serving;
});
