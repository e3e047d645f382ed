import { CircuitError, seededRandom } from '@circuit/base';
import {
  copy,
  FailOver,
  FanOut,
  handlerSender,
  Hub,
  queue,
  type ReceiveResult,
  receiving,
  type Sender,
  select,
  sending,
  serve,
} from '@circuit/channel';
import { ask, collect, eventually, openChannel, type Row, runRows, take } from '@circuit/channel/conformance';
import { ManualClock } from '@circuit/testkit';
import { expect, test } from 'vitest';
import { describeEach, everyTransport } from '../support/every-transport.js';
import { checkNothingOpen } from '../support/nothing-open.js';

checkNothingOpen();

const numbers = (count: number): number[] => [...Array(count).keys()];
const value = (message: ReceiveResult<number>): number | 'end' => (message.done ? 'end' : message.value);
const ascending = (values: readonly number[]): number[] => [...values].sort((x, y) => x - y);

/** What each helper is for, with ends of a session; their bounds and failures are tested where time and order are the test's own. */
const helperRows: readonly Row[] = [
  {
    name: 'select takes the channel that has something, the default where none has, and the other after its time',
    async run({ connect, expect }) {
      const { a, b } = await connect();
      const [one, two] = [await openChannel<number>(a, b), await openChannel<number>(a, b)];
      const cases = [receiving(one.receiver, value), receiving(two.receiver, value)] as const;
      expect(await select(cases, { otherwise: () => 'nothing' })).toBe('nothing');
      const clock = new ManualClock();
      const late = select(cases, { clock, after: { ms: 100, use: () => 'late' } });
      await clock.advance(100);
      expect(await late).toBe('late');
      const early = select(cases, { clock, after: { ms: 100, use: () => 'late' } });
      await two.sender.send(2);
      expect(await early).toBe(2);
      await one.sender.send(1);
      expect(await select(cases)).toBe(1);
      const given = new AbortController();
      const left = select(cases, { signal: given.signal });
      given.abort();
      await expect(left).rejects.toMatchObject({ code: 'cancelled' });
      await two.sender.send(3);
      expect((await take(two.receiver)).value).toBe(3);
      one.sender.close();
      expect(await select(cases)).toBe('end');
      two.sender.close();
      await collect(two.receiver);
    },
  },
  {
    name: 'select is fair between channels that both have something, and loses nothing of either',
    async run({ connect, expect }) {
      const { a, b } = await connect();
      const channels = [await openChannel<number>(a, b), await openChannel<number>(a, b)] as const;
      const marker = await openChannel(a, b);
      for (const i of numbers(500)) await Promise.all(channels.map(({ sender }, which) => sender.send(2 * i + which)));
      await marker.sender.send('behind all of them');
      await take(marker.receiver);
      const random = seededRandom(7);
      const got: number[] = [];
      const cases = channels.map(({ receiver }) => receiving(receiver, value));
      for (let i = 0; i < 500; i++) got.push((await select(cases, { random })) as number);
      const ofTheFirst = got.filter((one) => one % 2 === 0).length;
      expect(Math.abs(ofTheFirst - 250)).toBeLessThanOrEqual(60);
      for (const { sender } of [...channels, marker]) sender.close();
      for (const { receiver } of channels) got.push(...(await collect(receiver)));
      expect(ascending(got)).toStrictEqual(numbers(1000));
      await collect(marker.receiver);
    },
  },
  {
    name: 'selects that send meet selects that receive, in either direction, and nothing is lost or doubled',
    async run({ connect, expect }) {
      const { a, b } = await connect();
      const channels = [await openChannel<number>(a, b), await openChannel<number>(b, a)];
      const random = seededRandom(3);
      const got: number[] = [];
      const taking = async (): Promise<void> => {
        const open = new Set(channels.map(({ receiver }) => receiver));
        while (open.size > 0) {
          const next = [...open].map((one) => receiving(one, (message) => ({ one, message })));
          const { one, message } = await select(next, { random });
          if (message.done) open.delete(one);
          else got.push(message.value);
        }
      };
      const takers = Promise.all([taking(), taking()]);
      for (const i of numbers(1000)) {
        await select(
          channels.map(({ sender }) => sending(sender, i, () => undefined)),
          { random },
        );
      }
      for (const { sender } of channels) sender.close();
      await takers;
      expect(ascending(got)).toStrictEqual(numbers(1000));
    },
  },
  {
    name: 'copy passes messages and their return channels on, counts them and closes neither end',
    async run({ connect, expect }) {
      const { a, b } = await connect();
      const [from, to] = [await openChannel<number>(a, b), await openChannel<number>(b, a)];
      const copying = copy(to.sender, from.receiver);
      const serving = serve(to.receiver, async (number, ret) => ret.send(number * 2));
      for (const i of numbers(50)) expect(await ask(from.sender, i)).toBe(i * 2);
      from.sender.close();
      expect(await copying).toBe(50);
      expect(await ask(to.sender, 50)).toBe(100);
      to.sender.close();
      await serving;
    },
  },
  {
    name: 'a queue takes what the other side has not, in order, and acknowledges what was taken',
    async run({ connect, expect }) {
      const { a, b } = await connect();
      const { sender, receiver } = await openChannel<number>(a, b);
      const fast = queue(sender, 10);
      for (const i of numbers(100)) await fast.send(i);
      const sent = fast.send(100, { acknowledged: true });
      for (const i of numbers(101)) expect((await take(receiver)).value).toBe(i);
      await sent;
      fast.close();
      expect((await receiver.receive()).done).toBe(true);
    },
  },
  {
    name: 'a fan-out gives every output all there is, in order, goes on without one that leaves, and ends all',
    async run({ connect, expect }) {
      const { a, b } = await connect();
      const source = await openChannel<number>(a, b);
      const out = new FanOut(source.receiver, { whenFull: 'wait' });
      const outputs = [
        await openChannel<number>(b, a),
        await openChannel<number>(b, a),
        await openChannel<number>(b, a),
      ];
      for (const { sender } of outputs) out.add(sender);
      const [leaving, ...staying] = outputs.map(({ receiver }) => receiver);
      const all = Promise.all(staying.map((receiver) => collect(receiver)));
      await source.sender.send(0);
      expect((await leaving?.receive())?.done).toBe(false);
      leaving?.cancel(new Error('enough'));
      for (const i of numbers(300).slice(1)) await source.sender.send(i);
      await eventually('the one that left to be dropped', () => out.size === 2);
      source.sender.close();
      expect(await all).toStrictEqual([numbers(300), numbers(300)]);
      expect(await out.closed).toBe(300);
    },
  },
  {
    name: 'a fail-over uses the newest, and brings to the next what the newest had not taken',
    async run({ connect, expect }) {
      const { a, b } = await connect();
      const [spare, first] = [await openChannel<string>(a, b), await openChannel<string>(a, b)];
      const stack = new FailOver<string>();
      stack.push(spare.sender);
      stack.push(first.sender);
      const one = stack.send('one');
      expect((await take(first.receiver)).value).toBe('one');
      await one;
      const two = stack.send('two', { returns: true });
      first.receiver.cancel(new CircuitError('limit', 'no more'));
      const message = await take(spare.receiver);
      expect(message.value).toBe('two');
      await message.ret.send('answer');
      message.ret.close();
      expect(await collect(await two)).toStrictEqual(['answer']);
      expect(stack.size).toBe(1);
      stack.close();
      await collect(spare.receiver);
    },
  },
  {
    name: 'a hub brings requests to workers that registered over the session, and to the others when one leaves',
    async run({ connect, expect }) {
      const { a, b } = await connect();
      const hub = new Hub<number, unknown>();
      const counts = [0, 0];
      const works = [];
      const servings = [];
      for (const which of counts.keys()) {
        const registering = await openChannel(a, b);
        const registered = hub.register(registering.receiver);
        const work = await registering.sender.send<number>({ name: `worker ${which}` }, { returns: true });
        registering.sender.close();
        await registered;
        works.push(work);
        const answering = serve(work, async (number, ret) => {
          counts[which] = (counts[which] ?? 0) + 1;
          await ret.send([which, number]);
        });
        servings.push(answering.catch(() => undefined));
      }
      await Promise.all(numbers(100).map((i) => hub.request(i)));
      for (const count of counts) expect(count > 10).toBe(true);
      works[0]?.cancel(new Error('leaving'));
      await eventually('the worker to be gone', () => hub.workers === 1);
      expect(await Promise.all(numbers(20).map((i) => hub.request(i)))).toStrictEqual(numbers(20).map((i) => [1, i]));
      hub.close();
      await Promise.all(servings);
    },
  },
  {
    name: 'a handler goes over as a sender, answers each request, and what it throws is heard with its code',
    async run({ connect, expect }) {
      const { a, b } = await connect();
      const { sender, receiver } = await openChannel(a, b);
      const half = handlerSender<number>(async (number, ret) => {
        if (number % 2 === 1) throw new CircuitError('invalid', `${number} is odd`);
        await ret.send(number / 2);
      });
      await sender.send({ half });
      const { half: given } = (await take(receiver)).value as { half: Sender<number> };
      expect(await Promise.all([2, 4, 6].map((number) => ask(given, number)))).toStrictEqual([1, 2, 3]);
      await expect(ask(given, 7)).rejects.toMatchObject({ code: 'invalid', message: '7 is odd' });
      given.close();
      sender.close();
      await collect(receiver);
    },
  },
];

describeEach(everyTransport, (transport, connect) => {
  runRows(helperRows, { transport, test, expect, connect });
});
