import { relay } from '../helpers/relay.js';
import { bytePipe } from '../local/byte-pipe.js';
import { pipe } from '../local/pipe.js';
import type { ByteReader, Receiver, Sender } from '../types.js';
import { ask, chain, collect, eventually, openChannel, type Row, serve, take } from './suite.js';

const kilobyte = new Uint8Array(1024);

/** Credit, acknowledgement, and sends that are given up. */
export const flowRows: readonly Row[] = [
  {
    name: 'with one channel and one stream unread 20 of 20 others go on',
    async run({ connect, expect }) {
      const { a, b } = await connect();
      const unread = await openChannel(a, b);
      const flood = Array.from({ length: 1000 }, () => unread.sender.send(kilobyte));
      const stuck = bytePipe();
      const carrying = await openChannel<ByteReader>(a, b);
      await carrying.sender.send(stuck.reader);
      const stream = (await take(carrying.receiver)).value;
      const writing = stuck.writer.write(new Uint8Array(8_000_000));
      const others = await Promise.all(
        [...Array(20).keys()].map(async (i) => {
          const { sender, receiver } = await openChannel<number>(a, b);
          const serving = serve(receiver, (value) => value + 1);
          for (let j = 0; j < 50; j++) expect(await ask(sender, j)).toBe(j + 1);
          sender.close();
          await serving;
          return i;
        }),
      );
      expect(others.length).toBe(20);
      for (let i = 0; i < 1000; i++) expect(((await take(unread.receiver)).value as Uint8Array).length).toBe(1024);
      await Promise.all(flood);
      let bytes = 0;
      stuck.writer.close();
      for await (const chunk of stream) bytes += chunk.length;
      expect(bytes).toBe(8_000_000);
      await writing;
      unread.sender.close();
      carrying.sender.close();
      expect((await collect(unread.receiver)).length + (await collect(carrying.receiver)).length).toBe(0);
    },
  },
  {
    name: 'small messages wait for no bulk: of a message that has credit for all of itself only a part goes before them',
    async run({ connect, expect }) {
      const { a, b } = await connect({ b: { limits: { windowBytes: 16_777_216 } } });
      const bulk = await openChannel<Uint8Array>(a, b);
      const small = await openChannel<number>(a, b);
      const before = b.stats.bytesIn;
      const large = bulk.sender.send(new Uint8Array(16_000_000));
      // The carrier fills up within this very turn or not at all.
      await new Promise<void>((resolve) => setTimeout(resolve));
      void small.sender.send(1);
      expect((await take(small.receiver)).value).toBe(1);
      expect(b.stats.bytesIn - before).toBeLessThanOrEqual(12_000_000);
      expect((await take(bulk.receiver)).value.length).toBe(16_000_000);
      await large;
      for (const { sender, receiver } of [bulk, small]) {
        sender.close();
        expect(await collect<unknown>(receiver)).toStrictEqual([]);
      }
    },
  },
  {
    name: 'what a stopped consumer holds is bounded by the window, and it goes on afterwards',
    async run({ connect, expect }) {
      const { a, b } = await connect({ b: { limits: { windowBytes: 200_000, streamWindowBytes: 300_000 } } });
      const { sender, receiver } = await openChannel(a, b);
      const data = bytePipe();
      let sent = 0;
      const sending = (async () => {
        for (let i = 0; i < 2000; i++) {
          await sender.send(kilobyte);
          sent++;
        }
        await sender.send(data.reader);
        sender.close();
      })();
      const writing = data.writer.write(new Uint8Array(2_000_000)).then(() => data.writer.close());
      await eventually('the window to be used up', () => b.stats.unreadBytes > 190_000);
      expect(b.stats.unreadBytes).toBeLessThanOrEqual(200_000);
      expect(sent).toBeLessThanOrEqual(200);
      for (let i = 0; i < 2000; i++) await take(receiver);
      const stream = (await take(receiver)).value as ByteReader;
      await sending;
      await eventually('the window to be used up', () => b.stats.unreadBytes === 300_000);
      let bytes = 0;
      for await (const chunk of stream) bytes += chunk.length;
      expect(bytes).toBe(2_000_000);
      await writing;
      expect(await collect(receiver)).toStrictEqual([]);
      expect(b.stats.unreadBytes).toBe(0);
    },
  },
  {
    name: 'an acknowledged send resolves when its message is taken, in any mixture with others',
    async run({ connect, expect }) {
      const { a, b } = await connect();
      const sender = a.open<number | Uint8Array>();
      const acknowledged: number[] = [];
      const note = (i: number) => (): void => void acknowledged.push(i);
      // The first four queue until the session is agreed, so that several are written in one turn.
      const sends = [
        sender.send(0, { acknowledged: true }).then(note(0)),
        sender.send(1),
        sender.send(new Uint8Array(150_000), { acknowledged: true }).then(note(2)),
        sender.send(3),
        sender.send(4, { acknowledged: true }).then(note(4)),
      ];
      const { receiver } = await b.accept();
      await sends[1];
      expect(acknowledged).toStrictEqual([]);
      await take(receiver);
      await sends[0];
      expect(acknowledged).toStrictEqual([0]);
      for (let i = 1; i < 4; i++) await take(receiver);
      await sends[2];
      expect(acknowledged).toStrictEqual([0, 2]);
      await take(receiver);
      await Promise.all(sends);
      const asked = await Promise.all([
        sender.send(5, { acknowledged: true, returns: true }),
        take(receiver).then(({ ret }) => ret.close()),
      ]);
      expect(await collect(asked[0])).toStrictEqual([]);
      sender.close();
      expect(await collect(receiver)).toStrictEqual([]);
    },
  },
  {
    name: 'an acknowledged send whose channel or session ends is told what is known',
    async run({ connect, expect }) {
      const { a, b } = await connect();
      const first = await openChannel<number>(a, b);
      const refused = first.sender.send(1, { acknowledged: true });
      first.receiver.cancel(new Error('not today'));
      await expect(refused).rejects.toMatchObject({ code: 'aborted', message: 'not today' });
      const second = await openChannel<number>(a, b);
      const own = second.sender.send(1, { acknowledged: true });
      second.sender.abort();
      await expect(own).rejects.toMatchObject({ code: 'outcome-unknown' });
      await expect(collect(second.receiver)).rejects.toMatchObject({ code: 'aborted' });
      const third = await openChannel<number>(a, b);
      const lost = third.sender.send(1, { acknowledged: true });
      b.abort();
      await expect(lost).rejects.toMatchObject({ code: 'outcome-unknown' });
    },
  },
  {
    name: 'a send that is given up while it queues is not delivered, and its ends are told',
    async run({ connect, expect }) {
      const { a, b } = await connect();
      const { sender, receiver } = await openChannel(a, b);
      const full = Array.from({ length: 300 }, () => sender.send(kilobyte));
      const stop = new AbortController();
      const nested = pipe(1);
      const given = [
        sender.send('a', { signal: stop.signal }),
        sender.send({ nested: nested.sender }, { signal: stop.signal }),
        sender.send('c', { signal: stop.signal, acknowledged: true }),
        sender.send('d', { signal: stop.signal, returns: true }),
      ];
      stop.abort();
      for (const one of given) await expect(one).rejects.toMatchObject({ code: 'cancelled' });
      await expect(nested.receiver.receive()).rejects.toMatchObject({ code: 'undelivered' });
      await expect(sender.send('e', { signal: stop.signal })).rejects.toMatchObject({ code: 'cancelled' });
      const last = sender.send('last');
      sender.close();
      const values = await collect(receiver);
      expect(values.length).toBe(301);
      expect(values.at(-1)).toBe('last');
      await Promise.all([...full, last]);
    },
  },
  {
    name: 'a send that is given up when it is partly written is not delivered, and its ends are told',
    async run({ connect, expect }) {
      const { a, b } = await connect();
      const { sender, receiver } = await openChannel(a, b);
      const blocker = sender.send(new Uint8Array(120_000));
      const stop = new AbortController();
      const nested = pipe(1);
      const given = sender.send({ nested: nested.sender, large: new Uint8Array(1_000_000) }, { signal: stop.signal });
      const before = a.stats.unsentBytes;
      // Behind an unread message only part of the next one has credit.
      await eventually('the message to be partly written', () => b.stats.unreadBytes > 180_000);
      expect(a.stats.unsentBytes).toBeLessThanOrEqual(before);
      stop.abort();
      await expect(given).rejects.toMatchObject({ code: 'cancelled' });
      const last = sender.send('last');
      sender.close();
      const values = await collect(receiver);
      expect(values.length).toBe(2);
      expect(values[1]).toBe('last');
      await Promise.all([blocker, last]);
      await expect(nested.receiver.receive()).rejects.toMatchObject({ code: 'undelivered' });
    },
  },
  {
    name: 'a send that is given up when a relay has passed a part of it on is delivered whole or not at all, and the channel goes on',
    async run(bench) {
      const { expect } = bench;
      const { left, middle, right } = await chain(bench);
      const inward = await openChannel<Uint8Array | string>(left, middle[0]);
      const onward = await openChannel<Uint8Array | string>(middle[1], right);
      relay(inward.receiver, onward.sender);
      const blocker = inward.sender.send(new Uint8Array(120_000));
      const stop = new AbortController();
      const given = inward.sender.send(new Uint8Array(1_000_000), { signal: stop.signal });
      await eventually('a part of the message to be passed on', () => right.stats.unreadBytes > 180_000);
      stop.abort();
      // A relay that takes whole messages, as in a page, has all of it.
      const written = await given.then(
        () => true,
        () => false,
      );
      const last = inward.sender.send('last');
      inward.sender.close();
      const lengths = (await collect(onward.receiver)).map(({ length }) => length);
      expect(lengths).toStrictEqual(written ? [120_000, 1_000_000, 4] : [120_000, 4]);
      await Promise.all([blocker, last]);
    },
  },
  {
    name: 'a send that is given up when it is written is delivered; an acknowledged one has an unknown outcome',
    async run({ connect, expect }) {
      const { a, b } = await connect();
      const { sender, receiver } = await openChannel<string>(a, b);
      const stop = new AbortController();
      await sender.send('plain', { signal: stop.signal });
      const given = sender.send('acknowledged', { signal: stop.signal, acknowledged: true });
      const kept = sender.send('kept', { acknowledged: true });
      await eventually('both to be written', () => a.stats.unsentBytes === 0);
      stop.abort();
      await expect(given).rejects.toMatchObject({ code: 'outcome-unknown' });
      sender.close();
      expect(await collect(receiver)).toStrictEqual(['plain', 'acknowledged', 'kept']);
      await kept;
    },
  },
  {
    name: 'sends given up at random are delivered whole or not at all, through a relay too',
    async run(bench) {
      const { expect } = bench;
      const { left, middle, right } = await chain(bench);
      const inward = await openChannel<Uint8Array>(left, middle[0]);
      const onward = await openChannel(middle[1], right);
      await onward.sender.send(inward.receiver);
      const receiver = (await take(onward.receiver)).value as Receiver<Uint8Array>;
      const resolved: number[] = [];
      const sends: Promise<void>[] = [];
      for (let i = 0; i < 200; i++) {
        const stop = new AbortController();
        const body = new Uint8Array((i * 7919) % 200_000).fill(i);
        body[0] = i;
        sends.push(
          inward.sender.send(body, { signal: stop.signal }).then(
            () => void resolved.push(i),
            () => undefined,
          ),
        );
        if (i % 3 === 0) setTimeout(() => stop.abort(), i % 7);
      }
      void Promise.all(sends).then(() => inward.sender.close());
      const got: number[] = [];
      let bytes = 0;
      for await (const body of receiver) {
        const i = body[0] ?? 0;
        bytes += body.length;
        expect(body.length).toBe(Math.max(0, (i * 7919) % 200_000));
        expect(body.every((byte) => byte === i)).toBe(true);
        got.push(i);
      }
      expect(got).toStrictEqual(resolved.sort((x, y) => x - y));
      expect(bytes).toBeLessThanOrEqual(Math.min(middle[0].stats.bytesIn, right.stats.bytesIn));
      onward.sender.close();
      expect(await collect(onward.receiver)).toStrictEqual([]);
    },
  },
  {
    name: 'trySend succeeds while there is credit, and onWritable tells when there is some again',
    async run({ connect, expect }) {
      const { a, b } = await connect();
      const { sender, receiver } = await openChannel<Uint8Array>(a, b);
      let sent = 0;
      while (sender.trySend(kilobyte)) sent++;
      expect(sent).toBeLessThanOrEqual(256);
      const writable = new Promise<void>((resolve) => void sender.onWritable(resolve));
      for (let i = 0; i < sent; i++) await take(receiver);
      await writable;
      sender.close();
      expect((await collect(receiver)).length).toBeLessThanOrEqual(1);
    },
  },
  {
    name: 'a trySend refused because the carrier is full is told of room without credit of its own',
    async run({ connect, expect }) {
      const { a, b } = await connect();
      const small = await openChannel<number>(a, b);
      const bulk: { sender: Sender; receiver: Receiver }[] = [];
      for (let i = 0; i < 3; i++) bulk.push(await openChannel(a, b));
      const flood = bulk.map(({ sender }) => sender.send(new Uint8Array(250_000)));
      const large = bulk.map(({ sender }) => sender.send(kilobyte));
      await new Promise<void>((resolve) => {
        // The carrier fills up within this very turn or not at all; either way a send must become possible.
        const attempt = (): void => {
          if (small.sender.trySend(1)) resolve();
          else small.sender.onWritable(attempt);
        };
        queueMicrotask(attempt);
      });
      for (const { receiver } of bulk) {
        await take(receiver);
        await take(receiver);
      }
      await Promise.all([...flood, ...large]);
      small.sender.close();
      expect(await collect(small.receiver)).toStrictEqual([1]);
      for (const { sender, receiver } of bulk) {
        sender.close();
        expect(await collect(receiver)).toStrictEqual([]);
      }
    },
  },
  {
    name: 'more sends than may wait on one channel are refused',
    async run({ connect, expect }) {
      const { a, b } = await connect({ a: { limits: { maxPendingSends: 10 } } });
      const { sender, receiver } = await openChannel<Uint8Array>(a, b);
      const waiting = Promise.allSettled(Array.from({ length: 11 }, () => sender.send(new Uint8Array(200_000))));
      await expect(sender.send(kilobyte)).rejects.toMatchObject({ code: 'limit' });
      sender.close();
      const arrived = (await collect(receiver)).length;
      expect((await waiting).filter((one) => one.status === 'fulfilled').length).toBe(arrived);
    },
  },
];
