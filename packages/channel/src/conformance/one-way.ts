import type { Receiver } from '../types.js';
import { collect, openChannel, type Row, take } from './suite.js';

/** Messages in one direction. */
export const oneWayRows: readonly Row[] = [
  {
    name: 'one message arrives, then the end',
    async run({ connect, expect }) {
      const { a, b } = await connect();
      const sender = a.open({ target: 'greeting', origin: Uint8Array.of(7, 8) });
      await sender.send('hello');
      sender.close();
      const { receiver, target, origin, codec } = await b.accept();
      expect({ target, origin, codec }).toStrictEqual({
        target: 'greeting',
        origin: Uint8Array.of(7, 8),
        codec: 'msgpack',
      });
      expect((await take(receiver)).value).toBe('hello');
      expect((await receiver.receive()).done).toBe(true);
      expect((await receiver.receive()).done).toBe(true);
      await sender.closed;
    },
  },
  {
    name: '50 messages arrive in their order',
    async run({ connect, expect }) {
      const { a, b } = await connect();
      const { sender, receiver } = await openChannel<number>(a, b);
      for (let i = 0; i < 50; i++) await sender.send(i);
      sender.close();
      expect(await collect(receiver)).toStrictEqual([...Array(50).keys()]);
    },
  },
  {
    name: '50 channels each carry their own message',
    async run({ connect, expect }) {
      const { a, b } = await connect();
      const senders = [...Array(50).keys()].map((i) => a.open<number>({ target: `t${i}` }));
      await Promise.all(senders.map((sender, i) => sender.send(i)));
      for (const sender of senders) sender.close();
      for (let i = 0; i < 50; i++) {
        const { receiver, target } = await b.accept();
        expect([target, await collect(receiver)]).toStrictEqual([`t${i}`, [i]]);
      }
    },
  },
  {
    name: 'a message sent just before the session is closed arrives',
    async run({ connect, expect }) {
      const { a, b } = await connect();
      const { sender, receiver } = await openChannel<string>(a, b);
      void sender.send('last');
      await a.close();
      expect((await take(receiver)).value).toBe('last');
      await expect(receiver.receive()).rejects.toMatchObject({ code: 'closed' });
      expect(await b.closed).toBe(undefined);
    },
  },
  {
    name: 'a channel opened, used and closed just before its session is closed arrives whole',
    async run({ connect, expect }) {
      const { a, b } = await connect();
      const sender = a.open<Uint8Array | string>();
      void sender.send(new Uint8Array(1_000_000));
      void sender.send('last');
      sender.close();
      const closing = a.close();
      const { receiver } = await b.accept();
      expect((await collect(receiver as Receiver<Uint8Array | string>)).map((value) => value.length)).toStrictEqual([
        1_000_000, 4,
      ]);
      await closing;
    },
  },
  {
    name: 'an array of 3,000 elements arrives',
    async run({ connect, expect }) {
      const { a, b } = await connect();
      const { sender, receiver } = await openChannel(a, b);
      const list = [...Array(3000).keys()].map((i) => ({ i, name: `element ${i}` }));
      await sender.send(list);
      sender.close();
      expect(await collect(receiver)).toStrictEqual([list]);
    },
  },
  {
    name: 'a message larger than every window arrives',
    async run({ connect, expect }) {
      const { a, b } = await connect();
      const { sender, receiver } = await openChannel<Uint8Array>(a, b);
      const large = new Uint8Array(5_000_000).map((_, i) => i * 7);
      const sent = Promise.all([sender.send(large), sender.send(Uint8Array.of(1)), sender.send(large)]);
      for (const expected of [large, Uint8Array.of(1), large]) {
        const { value } = await take(receiver);
        expect(value.length === expected.length && value.every((byte, i) => byte === expected[i])).toBe(true);
      }
      await sent;
      sender.close();
      expect(await collect(receiver)).toStrictEqual([]);
    },
  },
  {
    name: 'messages of every size around a window of the smallest kind arrive',
    async run({ connect, expect }) {
      const { a, b } = await connect({ b: { limits: { windowBytes: 131_072 } } });
      const { sender, receiver } = await openChannel<Uint8Array>(a, b);
      const sizes = [65_500, 65_531, 65_532, 65_498, 65_531, 131_000, 131_072, 1, 65_531, 200_000, 65_531, 65_531];
      const sent = Promise.all(sizes.map((size) => sender.send(new Uint8Array(size))));
      sender.close();
      expect((await collect(receiver)).map((value) => value.length)).toStrictEqual(sizes);
      await sent;
    },
  },
  {
    name: 'a window of an odd number of bytes is given back in whole bytes',
    async run({ connect, expect }) {
      const { a, b } = await connect({ b: { limits: { windowBytes: 300_001 } } });
      const { sender, receiver } = await openChannel<Uint8Array>(a, b);
      const sent = Promise.all(Array.from({ length: 100 }, () => sender.send(new Uint8Array(50_001))));
      sender.close();
      expect((await collect(receiver)).length).toBe(100);
      await sent;
    },
  },
  {
    name: 'a value above the limit is refused with limit and size, and the channel goes on',
    async run({ connect, expect }) {
      const { a, b } = await connect({ a: { limits: { maxMessageBytes: 200_000 } } });
      const { sender, receiver } = await openChannel<Uint8Array>(a, b);
      const error = await sender.send(new Uint8Array(200_000)).then(
        () => undefined,
        (reason: unknown) => reason as { code: string; message: string },
      );
      expect(error).toMatchObject({ code: 'limit' });
      expect(error?.message ?? '').toContain('200000');
      expect(error?.message ?? '').toContain('200005');
      await sender.send(new Uint8Array(199_995));
      sender.close();
      expect((await collect(receiver)).length).toBe(1);
    },
  },
  {
    name: 'the limit of the other side is kept, and 16 MiB is the default of both',
    async run({ connect, expect }) {
      const { a, b } = await connect({ b: { limits: { maxMessageBytes: 1000 } } });
      const forth = await openChannel<Uint8Array>(a, b);
      const back = await openChannel<Uint8Array>(b, a);
      await expect(forth.sender.send(new Uint8Array(999))).rejects.toMatchObject({ code: 'limit' });
      const other = await connect();
      const wide = await openChannel<Uint8Array>(other.a, other.b);
      await expect(wide.sender.send(new Uint8Array(16_777_216))).rejects.toMatchObject({ code: 'limit' });
      const most = wide.sender.send(new Uint8Array(16_777_211));
      expect((await take(wide.receiver)).value.length).toBe(16_777_211);
      await most;
      for (const { sender, receiver } of [forth, back, wide]) {
        sender.close();
        expect(await collect(receiver)).toStrictEqual([]);
      }
    },
  },
  {
    name: 'the receiving side attaches late: nothing is lost, channels come out in the order of their opening',
    async run({ connect, expect }) {
      const { a, b } = await connect();
      const sent: Promise<unknown>[] = [];
      for (let i = 0; i < 20; i++) {
        const sender = a.open<string>({ target: `${i}` });
        for (let j = 0; j < 3; j++) sent.push(sender.send(`${i}/${j}`));
        sender.close();
      }
      await Promise.all(sent);
      const probe = b.open();
      await a.accept();
      probe.close();
      for (let i = 0; i < 20; i++) {
        const { receiver, target } = await b.accept();
        expect([target, await collect(receiver)]).toStrictEqual([`${i}`, [`${i}/0`, `${i}/1`, `${i}/2`]]);
      }
      probe.abort();
    },
  },
  {
    name: '1,000 events each way at once, none lost',
    async run({ connect, expect }) {
      const { a, b } = await connect();
      const sides = [
        [a, b],
        [b, a],
      ] as const;
      await Promise.all(
        sides.map(async ([from, to]) => {
          for (let i = 0; i < 1000; i++) {
            const sender = from.open<number>();
            void sender.send(i);
            sender.close();
          }
          for (let i = 0; i < 1000; i++) expect(await collect((await to.accept()).receiver)).toStrictEqual([i]);
        }),
      );
    },
  },
  {
    name: 'a receive that is given up loses nothing',
    async run({ connect, expect }) {
      const { a, b } = await connect();
      const { sender, receiver } = await openChannel<number>(a, b);
      const stop = new AbortController();
      const given = receiver.receive({ signal: stop.signal });
      const kept = receiver.receive();
      stop.abort();
      await expect(given).rejects.toMatchObject({ code: 'cancelled' });
      await sender.send(1);
      expect(await kept).toMatchObject({ done: false, value: 1 });
      const accepting = b.accept({ signal: stop.signal });
      await expect(accepting).rejects.toMatchObject({ code: 'cancelled' });
      sender.close();
      expect(await collect(receiver)).toStrictEqual([]);
    },
  },
];
