import type { Sender } from '../types.js';
import { ask, collect, eventually, openChannel, type Row, serve, take } from './suite.js';

/** Requests and their answers. */
export const requestRows: readonly Row[] = [
  {
    name: 'a request resolves to a receiver of any number of answers',
    async run({ connect, expect }) {
      const { a, b } = await connect();
      const { sender, receiver } = await openChannel<number>(a, b);
      for (const count of [0, 1, 3, 500]) {
        const asking = sender.send(count, { returns: true });
        const { value, ret } = await take(receiver);
        void (async () => {
          for (let i = 0; i < value; i++) await ret.send(i);
          ret.close();
        })();
        expect(await collect(await asking)).toStrictEqual([...Array(count).keys()]);
      }
      sender.close();
      await collect(receiver);
    },
  },
  ...[1, 64, 1000].map(
    (inFlight): Row => ({
      name: `10,000 requests with ${inFlight} in flight get the right answers and leave no entry`,
      async run({ connect, expect }) {
        const { a, b } = await connect();
        const { sender, receiver } = await openChannel<number>(a, b);
        const serving = serve(receiver, (value) => value * 2);
        let next = 0;
        let right = 0;
        const worker = async (): Promise<void> => {
          while (next < 10_000) {
            const value = next++;
            if ((await ask(sender, value)) === value * 2) right++;
          }
        };
        await Promise.all(Array.from({ length: inFlight }, worker));
        expect(right).toBe(10_000);
        await eventually('the return channels to be gone', () => a.stats.channels + b.stats.channels === 2);
        sender.close();
        await serving;
      },
    }),
  ),
  {
    name: 'requests in both directions at once',
    async run({ connect, expect }) {
      const { a, b } = await connect();
      const forth = await openChannel<number>(a, b);
      const back = await openChannel<number>(b, a);
      const serving = [serve(forth.receiver, (v) => v + 1), serve(back.receiver, (v) => v - 1)];
      const numbers = [...Array(200).keys()];
      const [up, down] = await Promise.all([
        Promise.all(numbers.map((i) => ask(forth.sender, i))),
        Promise.all(numbers.map((i) => ask(back.sender, i))),
      ]);
      expect(up).toStrictEqual(numbers.map((i) => i + 1));
      expect(down).toStrictEqual(numbers.map((i) => i - 1));
      forth.sender.close();
      back.sender.close();
      await Promise.all(serving);
    },
  },
  {
    name: 'ret is always a sender: it swallows if no answer was asked for',
    async run({ connect, expect }) {
      const { a, b } = await connect();
      const { sender, receiver } = await openChannel<string>(a, b);
      await sender.send('no answer wanted');
      const { ret } = await take(receiver);
      for (let i = 0; i < 100; i++) await ret.send(new Uint8Array(100_000));
      expect(ret.trySend('more')).toBe(true);
      ret.close();
      ret.abort();
      await ret.closed;
      sender.close();
      await collect(receiver);
      expect(b.stats.channels).toBe(0);
    },
  },
  {
    name: 'a ret that swallows can be sent on in a message',
    async run({ connect, expect }) {
      const { a, b } = await connect();
      const { sender, receiver } = await openChannel<string>(a, b);
      await sender.send('no answer wanted');
      const { ret } = await take(receiver);
      const back = await openChannel<{ reply: Sender }>(b, a);
      await back.sender.send({ reply: ret });
      const { value } = await take(back.receiver);
      await value.reply.send('into the void');
      value.reply.close();
      await value.reply.closed;
      sender.close();
      back.sender.close();
      expect((await collect(receiver)).length + (await collect(back.receiver)).length).toBe(0);
    },
  },
  {
    name: 'returns: false closes the return channel at once',
    async run({ connect, expect }) {
      const { a, b } = await connect();
      const { sender, receiver } = await openChannel<string>(a, b);
      const asking = sender.send('anybody?', { returns: true });
      const message = await receiver.receive({ returns: false });
      expect(message.done).toBe(false);
      expect(await collect(await asking)).toStrictEqual([]);
      await message.ret?.send('ignored');
      const again = sender.send('again?', { returns: true });
      const waiting = take(receiver);
      (await waiting).ret.close();
      expect(await collect(await again)).toStrictEqual([]);
      sender.close();
      await collect(receiver);
    },
  },
  {
    name: 'a sender given as returnTo gets the answer',
    async run({ connect, expect }) {
      const { a, b } = await connect();
      const first = await openChannel<string>(a, b);
      const second = await openChannel<string>(b, a);
      await first.sender.send('question', { returnTo: second.sender });
      const { ret } = await take(first.receiver);
      await ret.send('answer');
      ret.close();
      expect(await collect(second.receiver)).toStrictEqual(['answer']);
      await expect(second.sender.send('moved')).rejects.toMatchObject({ code: 'conflict', detail: 'moved' });
      await expect(first.sender.send('x', { returns: true, returnTo: second.sender })).rejects.toMatchObject({
        code: 'invalid',
      });
      first.sender.close();
      await collect(first.receiver);
    },
  },
];
