import { pipe, type Receiver, type Sender } from '@circuit/channel';
import { settle } from '@circuit/testkit';
import fc from 'fast-check';
import { expect, test } from 'vitest';

/** What a promise has come to by now: its value, its error's code, or that it still waits. */
function watch(promise: Promise<unknown>): { state: unknown } {
  const seen: { state: unknown } = { state: 'waiting' };
  promise.then(
    (value) =>
      (seen.state =
        value === undefined
          ? 'sent'
          : (value as { done: boolean; value?: unknown }).done
            ? 'end'
            : (value as { value: unknown }).value),
    (error: unknown) => (seen.state = (error as { code: string }).code),
  );
  return seen;
}

/** Go's channels, as their specification says it: a buffer, a queue of senders, a queue of receivers. */
class Model {
  readonly states: unknown[] = [];
  #buffer: { value: number; op: number }[] = [];
  #receivers: number[] = [];
  #closed = false;

  readonly capacity: number;

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  send(value: number): void {
    const op = this.states.push('waiting') - 1;
    if (this.#closed) this.states[op] = 'closed';
    else {
      const receiver = this.#receivers.shift();
      if (receiver === undefined) this.#buffer.push({ value, op });
      else {
        this.states[receiver] = value;
        this.states[op] = 'sent';
      }
    }
    this.#settle();
  }

  receive(): void {
    const op = this.states.push('waiting') - 1;
    const next = this.#buffer.shift();
    if (next !== undefined) {
      this.states[op] = next.value;
      this.states[next.op] = 'sent';
    } else if (this.#closed) this.states[op] = 'end';
    else this.#receivers.push(op);
    this.#settle();
  }

  /** Gives operation `op` up if it waits. */
  giveUp(op: number): void {
    if (this.states[op] !== 'waiting') return;
    this.states[op] = 'cancelled';
    this.#buffer = this.#buffer.filter((one) => one.op !== op);
    this.#receivers = this.#receivers.filter((one) => one !== op);
    this.#settle();
  }

  close(): void {
    this.#closed = true;
    for (const op of this.#receivers.splice(0)) this.states[op] = 'end';
  }

  #settle(): void {
    for (const { op } of this.#buffer.slice(0, this.capacity)) this.states[op] = 'sent';
  }
}

test('a pipe does what a channel of Go does, whatever the order of the calls', async () => {
  const step = fc.oneof(
    { weight: 5, arbitrary: fc.constant('send' as const) },
    { weight: 5, arbitrary: fc.constant('receive' as const) },
    { weight: 2, arbitrary: fc.nat(30) },
    { weight: 1, arbitrary: fc.constant('close' as const) },
  );
  await fc.assert(
    fc.asyncProperty(fc.nat(3), fc.array(step, { maxLength: 40 }), async (capacity, steps) => {
      const model = new Model(capacity);
      const { sender, receiver } = pipe<number>(capacity);
      const seen: { state: unknown }[] = [];
      const stops: AbortController[] = [];
      for (const [i, one] of steps.entries()) {
        if (one === 'close') {
          sender.close();
          model.close();
        } else if (typeof one === 'number') {
          stops[one]?.abort();
          if (one < seen.length) model.giveUp(one);
        } else {
          const stop = new AbortController();
          stops.push(stop);
          seen.push(
            watch(one === 'send' ? sender.send(i, { signal: stop.signal }) : receiver.receive({ signal: stop.signal })),
          );
          if (one === 'send') model.send(i);
          else model.receive();
        }
        await settle();
        expect(seen.map(({ state }) => state)).toStrictEqual(model.states);
      }
    }),
    { numRuns: 300 },
  );
});

test('values pass by reference, and the capacity is a whole number', async () => {
  const { sender, receiver } = pipe(1);
  const value = { list: [1] };
  await sender.send(value);
  expect((await receiver.receive()).value).toBe(value);
  for (const capacity of [-1, 0.5, Number.NaN]) expect(() => pipe(capacity)).toThrow(/pipe: capacity/);
});

test('an acknowledged send waits for its taker even where there is room', async () => {
  const { sender, receiver } = pipe<number>(3);
  const plain = watch(sender.send(1));
  const acknowledged = watch(sender.send(2, { acknowledged: true }));
  await settle();
  expect([plain.state, acknowledged.state]).toStrictEqual(['sent', 'waiting']);
  await receiver.receive();
  await receiver.receive();
  await settle();
  expect(acknowledged.state).toBe('sent');
});

test('an acknowledged send that is given up leaves its room to who waits', async () => {
  const { sender, receiver } = pipe<string>(1);
  const stop = new AbortController();
  const first = watch(sender.send('first', { acknowledged: true, signal: stop.signal }));
  const second = watch(sender.send('second'));
  let asked = 0;
  sender.onWritable(() => asked++);
  await settle();
  expect([first.state, second.state, asked]).toStrictEqual(['waiting', 'waiting', 0]);
  stop.abort();
  await settle();
  expect([first.state, second.state, asked]).toStrictEqual(['cancelled', 'sent', 0]);
  expect(sender.trySend('third')).toBe(false);
  expect(receiver.tryReceive()).toMatchObject({ value: 'second' });
  expect(asked).toBe(1);
  expect(sender.trySend('third')).toBe(true);
});

test('requests: an answer, returns: false, and a return channel whose message is dropped', async () => {
  const { sender, receiver } = pipe<string>(4);
  const answers = await sender.send('q', { returns: true });
  const { ret } = (await receiver.receive()) as { ret: Sender };
  void ret.send('a');
  expect(await answers.receive()).toMatchObject({ value: 'a' });
  ret.close();
  expect((await answers.receive()).done).toBe(true);
  const unanswered = await sender.send('q', { returns: true });
  await receiver.receive({ returns: false });
  expect((await unanswered.receive()).done).toBe(true);
  const dropped = await sender.send('q', { returns: true });
  receiver.cancel();
  await expect(dropped.receive()).rejects.toMatchObject({ code: 'undelivered' });
});

test('ends: abort, cancel, close, twice and afterwards', async () => {
  const aborted = pipe<number>(2);
  await aborted.sender.send(1);
  aborted.sender.abort(new Error('no'));
  await expect(aborted.receiver.receive()).rejects.toMatchObject({ code: 'aborted', message: 'no' });
  await expect(aborted.sender.send(1)).rejects.toMatchObject({ message: 'no' });
  const cancelled = pipe<number>();
  const pending = watch(cancelled.sender.send(1));
  const closed = watch(cancelled.sender.closed);
  cancelled.receiver.cancel();
  await settle();
  expect([pending.state, closed.state]).toStrictEqual(['aborted', 'aborted']);
  const done = pipe<number>(1);
  await done.sender.send(5);
  done.sender.close();
  done.sender.close();
  expect(watch(done.sender.closed).state).toBe('waiting');
  await expect(done.sender.send(1)).rejects.toMatchObject({ code: 'closed' });
  const values: number[] = [];
  for await (const value of done.receiver) values.push(value);
  expect(values).toStrictEqual([5]);
  await done.sender.closed;
  done.receiver.cancel();
  done.sender.abort();
  expect((await done.receiver.receive()).done).toBe(true);
});

test('trySend and tryReceive do what is possible now', () => {
  const { sender, receiver } = pipe<number>(1);
  expect(receiver.tryReceive()).toBe(undefined);
  expect([sender.trySend(1), sender.trySend(2)]).toStrictEqual([true, false]);
  expect(receiver.tryReceive()).toMatchObject({ value: 1 });
  sender.close();
  expect(() => sender.trySend(3)).toThrow(/closed channel/);
  expect(receiver.tryReceive()).toMatchObject({ done: true });
});

test('a hundred senders and a hundred receivers lose nothing and repeat nothing', async () => {
  const { sender, receiver } = pipe<number>(3);
  const got: number[] = [];
  const drain = async (from: Receiver<number>): Promise<void> => {
    for (let one = await from.receive(); !one.done; one = await from.receive()) got.push(one.value);
  };
  const draining = Promise.all(Array.from({ length: 100 }, () => drain(receiver)));
  await Promise.all(
    Array.from({ length: 100 }, async (_, i) => {
      for (let j = 0; j < 20; j++) await sender.send(i * 20 + j);
    }),
  );
  sender.close();
  await draining;
  expect(got.sort((x, y) => x - y)).toStrictEqual([...Array(2000).keys()]);
});
