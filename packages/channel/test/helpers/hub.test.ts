import { CircuitError } from '@circuit/base';
import { Hub, type HubOptions, pipe, type Received, type Receiver, serve, type Session } from '@circuit/channel';
import { openChannel, type Pair, take } from '@circuit/channel/conformance';
import { settle, until } from '@circuit/testkit';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { connectMemory } from '../support/transports.js';

/** A hub and a worker on a session of its own, which registers itself. */
async function join(hub: Hub<number>): Promise<{ readonly pair: Pair; readonly work: Receiver<number> }> {
  const pair = await connectMemory();
  const { sender, receiver } = await openChannel(pair.a, pair.b);
  void hub.register(receiver).catch(() => undefined);
  const before = hub.workers;
  const work = await sender.send<number>({ name: 'worker' }, { returns: true });
  sender.close();
  await until('it to be registered', () => hub.workers > before);
  return { pair, work };
}

function answering(work: Receiver<number>, answer: (value: number) => unknown): void {
  serve(work, async (value, ret) => ret.send(await answer(value))).catch(() => undefined);
}

test('workers register themselves and answer, each its share', async () => {
  const hub = new Hub<number, unknown>();
  const counts = [0, 0, 0];
  const pairs: Pair[] = [];
  for (const i of counts.keys()) {
    const { pair, work } = await join(hub);
    pairs.push(pair);
    answering(work, (value) => {
      counts[i] = (counts[i] ?? 0) + 1;
      return value * 2;
    });
  }
  const answers = await Promise.all(Array.from({ length: 300 }, (_, i) => hub.request(i)));
  expect(answers).toEqual(Array.from({ length: 300 }, (_, i) => i * 2));
  for (const count of counts) expect(count).toBeGreaterThan(50);
  hub.close();
  await expect(hub.request(1)).rejects.toMatchObject({ code: 'closed' });
  for (const { a, b } of pairs) await until('the tables to be empty', () => a.stats.channels + b.stats.channels === 0);
  for (const pair of pairs) await pair.close();
});

test('requests wait for the first worker, within a bound, in their order, and can be given up', async () => {
  const hub = new Hub<number, unknown>({ maxWaiting: 2, perWorker: 1 });
  const stop = new AbortController();
  const given = hub.request(0, { signal: stop.signal });
  const waiting = hub.request(1);
  await expect(hub.request(2)).rejects.toMatchObject({ code: 'limit' });
  stop.abort();
  await expect(given).rejects.toMatchObject({ code: 'cancelled' });
  const next = hub.request(3);
  expect(hub.waiting).toBe(2);
  const seen: number[] = [];
  const { pair, work } = await join(hub);
  answering(work, (value) => seen.push(value));
  await Promise.all([waiting, next]);
  expect(seen).toEqual([1, 3]);
  await pair.close();
  expect(hub.workers).toBe(0);
});

test('a worker that dies behind a request: the caller hears that nobody knows, or it is repeated', async () => {
  const hub = new Hub<number, unknown>();
  const doomed = await join(hub);
  const [told, repeated] = [hub.request(1), hub.request(2, { repeat: true })];
  told.catch(() => undefined);
  const taken: Received<number>[] = [await take(doomed.work), await take(doomed.work)];
  expect(taken.map(({ value }) => value)).toEqual([1, 2]);
  doomed.pair.a.abort();
  await expect(told).rejects.toMatchObject({ code: 'outcome-unknown' });
  const heir = await join(hub);
  answering(heir.work, () => 'from the heir');
  expect(await repeated).toBe('from the heir');
  await Promise.all([doomed.pair.close(), heir.pair.close()]);
});

test('what a leaving worker has not taken goes to another by itself, what it has it still answers', async () => {
  const hub = new Hub<number, unknown>();
  const leaving = await join(hub);
  const [taken, untaken] = [hub.request(1), hub.request(2)];
  const { ret } = await take(leaving.work);
  await settle();
  leaving.work.cancel(new CircuitError('closed', 'going home'));
  await until('it to be dropped', () => hub.workers === 0);
  const other = await join(hub);
  answering(other.work, (value) => `other ${value}`);
  expect(await untaken).toBe('other 2');
  await ret.send('last answer');
  ret.close();
  expect(await taken).toBe('last answer');
  await Promise.all([leaving.pair.close(), other.pair.close()]);
});

test('an error of the worker is the answer; the worker stays', async () => {
  const hub = new Hub<number, unknown>();
  const { pair, work } = await join(hub);
  answering(work, () => {
    throw new CircuitError('not-found', 'no such thing');
  });
  await expect(hub.request(1)).rejects.toMatchObject({ code: 'not-found' });
  expect(hub.workers).toBe(1);
  await pair.close();
});

test('served to others; a registration may be refused; the number of workers is bounded', async () => {
  const options: HubOptions = { maxWorkers: 1 };
  const hub = new Hub<number, unknown>(options);
  const worker = pipe<number>();
  hub.add(worker.sender);
  expect(() => hub.add(pipe<number>().sender)).toThrow('1 workers');
  answering(worker.receiver, (value) => value + 1);
  const requests = pipe<number>();
  const serving = hub.serve(requests.receiver);
  const answers = await requests.sender.send(41, { returns: true });
  expect((await take(answers)).value).toBe(42);
  requests.sender.close();
  await serving;
  const registrations = pipe();
  void hub.register(registrations.receiver, {
    admit: () => {
      throw new CircuitError('denied', 'not you');
    },
  });
  const refused = await registrations.sender.send({}, { returns: true });
  await expect(refused.receive()).rejects.toMatchObject({ code: 'denied' });
  registrations.sender.close();
});

test('property: with workers that die at any time, each repeated request is answered, each other answered or told', async () => {
  const plan = fc.array(fc.record({ die: fc.boolean(), repeat: fc.boolean() }), { minLength: 1, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(plan, async (steps) => {
      const hub = new Hub<number, unknown>({ perWorker: 2 });
      const opened: Session[] = [];
      const pairs: Pair[] = [];
      const enter = async (): Promise<void> => {
        const { pair, work } = await join(hub);
        opened.push(pair.a);
        pairs.push(pair);
        answering(work, async (value) => {
          await settle();
          return value;
        });
      };
      await enter();
      const outcomes = steps.map(async ({ repeat }, i) => {
        try {
          return await hub.request(i, { repeat });
        } catch (error) {
          return (error as CircuitError).code;
        }
      });
      for (const { die } of steps) {
        if (!die) continue;
        opened.shift()?.abort();
        await enter();
      }
      const got = await Promise.all(outcomes);
      for (const [i, { repeat }] of steps.entries()) {
        if (repeat) expect(got[i]).toBe(i);
        else expect([i, 'outcome-unknown']).toContain(got[i]);
      }
      for (const pair of pairs) await pair.close();
      expect(hub.workers).toBe(0);
    }),
    { numRuns: 50 },
  );
});
