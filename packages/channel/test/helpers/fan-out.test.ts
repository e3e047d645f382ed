import { FanOut, type FanOutOptions, pipe, type Receiver } from '@circuit/channel';
import { settle } from '@circuit/testkit';
import fc from 'fast-check';
import { expect, test } from 'vitest';

/** A source and a fan-out of it. */
function fan(options?: FanOutOptions) {
  const source = pipe<number>();
  const out = new FanOut(source.receiver, options);
  const output = (): { receiver: Receiver<number>; remove: () => number } => {
    const { sender, receiver } = pipe<number>();
    return { receiver, remove: out.add(sender) };
  };
  return { source: source.sender, out, output };
}

async function all(receiver: Receiver<number>): Promise<number[]> {
  const values: number[] = [];
  for await (const value of receiver) values.push(value);
  return values;
}

test('each output gets everything from its adding on; the end of the source ends all', async () => {
  const { source, out, output } = fan();
  await source.send(0);
  const one = output();
  await source.send(1);
  const two = output();
  await source.send(2);
  source.close();
  expect(await Promise.all([all(one.receiver), all(two.receiver)])).toEqual([[1, 2], [2]]);
  expect(await out.closed).toBe(3);
  expect(out.size).toBe(0);
  expect(await all(output().receiver)).toEqual([]);
});

test('a slow output is ended at its bound, the others go on', async () => {
  const { source, out, output } = fan({ capacity: 2 });
  const [slow, quick] = [output(), output()];
  const got = all(quick.receiver);
  for (let i = 0; i < 10; i++) {
    await source.send(i);
    await settle();
  }
  source.close();
  expect(await got).toHaveLength(10);
  await expect(all(slow.receiver)).rejects.toMatchObject({ code: 'limit' });
  expect(await out.closed).toBe(10);
});

test('with skip it misses messages and is told how many', async () => {
  const { source, output } = fan({ capacity: 2, whenFull: 'skip' });
  const slow = output();
  for (let i = 0; i < 10; i++) {
    await source.send(i);
    await settle();
  }
  expect((await slow.receiver.receive()).value).toBe(0);
  await settle();
  await source.send(10);
  await settle();
  const missed = slow.remove();
  const rest = await all(slow.receiver);
  expect(rest).toEqual([1, 2, 10]);
  expect(missed).toBe(7);
});

test('with wait it holds the source back, until it is removed or its reader goes', async () => {
  const { source, out, output } = fan({ capacity: 1, whenFull: 'wait' });
  const slow = output();
  const sent: number[] = [];
  for (let i = 0; i < 10; i++) void source.send(i).then(() => sent.push(i));
  await settle();
  expect(sent.length).toBeLessThan(5);
  slow.receiver.cancel();
  await settle();
  expect(sent).toHaveLength(10);
  expect(out.size).toBe(0);
});

test('the failure of the source reaches all; a signal gives it up', async () => {
  const { source, out, output } = fan();
  const one = output();
  source.abort(new Error('broken'));
  await expect(all(one.receiver)).rejects.toMatchObject({ message: 'broken' });
  await expect(out.closed).rejects.toMatchObject({ message: 'broken' });
  const stop = new AbortController();
  const given = fan({ signal: stop.signal });
  const two = given.output();
  stop.abort();
  await expect(given.out.closed).rejects.toMatchObject({ code: 'cancelled' });
  await expect(two.receiver.receive()).rejects.toMatchObject({ code: 'cancelled' });
  await expect(given.source.send(1)).rejects.toMatchObject({ code: 'cancelled' });
});

test('so many outputs and no more', () => {
  const { output } = fan({ maxOutputs: 1 });
  output();
  expect(output).toThrow('1 outputs');
});

test('property: however they read and go, an output has seen a run without gap', async () => {
  const act = fc.constantFrom('send', 'add', 'read', 'cancel', 'remove');
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(act, fc.nat(3)), { maxLength: 40 }), async (acts) => {
      const { source, output } = fan({ capacity: 3 });
      const outputs: { receiver: Receiver<number>; remove: () => number; from: number; seen: number[] }[] = [];
      let count = 0;
      for (const [what, which] of acts) {
        const one = outputs[which];
        if (what === 'send') await source.send(count++);
        if (what === 'add') outputs.push({ ...output(), from: count, seen: [] });
        if (what === 'cancel') one?.receiver.cancel();
        if (what === 'remove') one?.remove();
        if (what === 'read' && one !== undefined) {
          try {
            const message = one.receiver.tryReceive();
            if (message?.done === false) one.seen.push(message.value);
          } catch {
            // It was ended: behind by more than its bound, or by its own cancel.
          }
        }
        await settle();
      }
      for (const { from, seen } of outputs) expect(seen).toEqual(seen.map((_, i) => from + i));
      source.close();
    }),
  );
});
