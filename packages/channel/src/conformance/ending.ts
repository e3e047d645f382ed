import { CircuitError } from '@circuit/base';
import { relay } from '../helpers/relay.js';
import { bytePipe } from '../local/byte-pipe.js';
import { pipe } from '../local/pipe.js';
import type { ByteReader, Receiver, Sender } from '../types.js';
import { collect, eventually, openChannel, type Row, take } from './suite.js';

/** How channels and sessions end. */
export const endingRows: readonly Row[] = [
  {
    name: 'the sender closes: the receiver gets what was queued, then the end',
    async run({ connect, expect }) {
      const { a, b } = await connect();
      const { sender, receiver } = await openChannel<Uint8Array>(a, b);
      const sizes = [1, 200_000, 3, 400_000, 5];
      const sent = Promise.all(sizes.map((size) => sender.send(new Uint8Array(size))));
      sender.close();
      sender.close();
      await expect(sender.send(new Uint8Array(1))).rejects.toMatchObject({ code: 'closed' });
      expect((await collect(receiver)).map((value) => value.length)).toStrictEqual(sizes);
      await sent;
      await sender.closed;
      receiver.cancel();
      sender.abort();
    },
  },
  {
    name: 'the sender aborts: the receiver gets code and message, what was not taken is dropped',
    async run({ connect, expect }) {
      const { a, b } = await connect();
      for (const reason of [
        new CircuitError('gone', 'moved away', { detail: 'x', retryable: true }),
        new Error('plain'),
        undefined,
      ]) {
        const { sender, receiver } = await openChannel<Uint8Array>(a, b);
        const queued = sender.send(new Uint8Array(1_000_000));
        sender.abort(reason);
        sender.abort(new Error('second'));
        const expected =
          reason === undefined
            ? { code: 'aborted', retryable: false }
            : reason instanceof CircuitError
              ? { code: 'gone', message: 'moved away', detail: 'x', retryable: true }
              : { code: 'aborted', message: 'plain', retryable: false };
        await expect(queued).rejects.toMatchObject(expected);
        await expect(sender.send(new Uint8Array(1))).rejects.toMatchObject(expected);
        await expect(sender.closed).rejects.toMatchObject(expected);
        await expect(receiver.receive()).rejects.toMatchObject(expected);
        await expect(receiver.receive()).rejects.toMatchObject(expected);
      }
    },
  },
  {
    name: 'the receiver cancels: the pending and the next send fail with its reason',
    async run({ connect, expect }) {
      const { a, b } = await connect();
      const { sender, receiver } = await openChannel<Uint8Array>(a, b);
      await sender.send(new Uint8Array(60_000));
      const pending = sender.send(new Uint8Array(1_000_000));
      await eventually('the first pieces to arrive', () => b.stats.unreadBytes > 100_000);
      const reason = new CircuitError('limit', 'enough of this', { detail: 'y', retryable: true });
      receiver.cancel(reason);
      receiver.cancel(new Error('second'));
      const said = { code: 'limit', message: 'enough of this', detail: 'y', retryable: true };
      await expect(pending).rejects.toMatchObject(said);
      await expect(sender.send(new Uint8Array(1))).rejects.toMatchObject(said);
      await expect(sender.closed).rejects.toMatchObject(said);
      await expect(receiver.receive()).rejects.toMatchObject({ code: 'limit' });
      sender.close();
      expect(b.stats.unreadBytes).toBe(0);
    },
  },
  {
    name: 'a loop over a receiver that is left early cancels it',
    async run({ connect, expect }) {
      const { a, b } = await connect();
      const { sender, receiver } = await openChannel<number>(a, b);
      await sender.send(1);
      await sender.send(2);
      for await (const value of receiver) {
        expect(value).toBe(1);
        break;
      }
      await expect(sender.closed).rejects.toMatchObject({ code: 'aborted' });
    },
  },
  {
    name: 'ends in a message that is not delivered are told so: cancelled, aborted',
    async run({ connect, expect }) {
      const { a, b } = await connect();
      for (const finish of ['cancel', 'abort', 'cancel later'] as const) {
        const { sender, receiver } = await openChannel(a, b);
        const [to, from, bytes] = [pipe(1), pipe(1), bytePipe()];
        await sender.send({ to: to.sender, from: from.receiver, bytes: bytes.reader });
        const asking = sender.send('question', { returns: true });
        await eventually('the messages to arrive', () => b.stats.unreadBytes > 0);
        const answers = await asking;
        if (finish === 'abort') sender.abort();
        else receiver.cancel();
        await expect(to.receiver.receive()).rejects.toMatchObject({ code: 'undelivered' });
        await expect(from.sender.closed).rejects.toMatchObject({ code: 'undelivered' });
        await expect(bytes.writer.closed).rejects.toMatchObject({ code: 'undelivered' });
        await expect(answers.receive()).rejects.toMatchObject({ code: 'undelivered' });
        if (finish !== 'cancel later') continue;
        const late = pipe(1);
        await expect(sender.send({ late: late.sender })).rejects.toMatchObject({ code: 'aborted' });
      }
    },
  },
  {
    name: 'ends in a message that waits when its session dies are told so',
    async run({ connect, expect }) {
      const { a, b } = await connect();
      const { sender } = await openChannel(a, b);
      const blocking = sender.send(new Uint8Array(1_000_000));
      const [to, from] = [pipe(1), pipe(1)];
      const waiting = sender.send({ to: to.sender, from: from.receiver }, { returns: true });
      a.abort(new CircuitError('io', 'pulled the plug'));
      await expect(blocking).rejects.toMatchObject({ code: 'io', message: 'pulled the plug' });
      await expect(waiting).rejects.toMatchObject({ code: 'io' });
      await expect(to.receiver.receive()).rejects.toMatchObject({ code: 'undelivered' });
      await expect(from.sender.closed).rejects.toMatchObject({ code: 'undelivered' });
      expect(await b.closed).toMatchObject({ code: 'peer-gone' });
    },
  },
  {
    name: 'closing the session drains it: everything sent arrives, then both sides end without an error',
    async run({ connect, expect }) {
      const { a, b } = await connect({ a: { graceMs: 60_000 } });
      const sent: Promise<unknown>[] = [];
      for (let i = 0; i < 30; i++) {
        const sender = a.open<Uint8Array>();
        for (let j = 0; j < 10; j++) sent.push(sender.send(new Uint8Array(i * 1000)));
        sender.close();
      }
      const data = bytePipe();
      const carrying = a.open<ByteReader>();
      sent.push(carrying.send(data.reader));
      void data.writer.write(new Uint8Array(10)).then(() => data.writer.close());
      const closing = a.close();
      let count = 0;
      for (let i = 0; i < 30; i++) count += (await collect((await b.accept()).receiver)).length;
      expect(count).toBe(300);
      await closing;
      await Promise.all(sent);
      expect([await a.closed, await b.closed]).toStrictEqual([undefined, undefined]);
      await a.close();
      let refusal: unknown;
      try {
        a.open();
      } catch (error) {
        refusal = error;
      }
      expect(refusal).toMatchObject({ code: 'closed' });
      expect((await (await b.accept()).receiver.receive()).done).toBe(false);
      await expect(b.accept()).rejects.toMatchObject({ code: 'closed' });
    },
  },
  {
    name: 'what comes for a session that is being closed is refused: it ends with an error, never as if it had been all',
    async run({ connect, expect }) {
      const narrow = { windowBytes: 131_072, streamWindowBytes: 131_072 };
      const [first, second] = [await connect(), await connect({ b: { home: false, limits: narrow } })];
      const [inward, onward] = [await openChannel(first.a, first.b), await openChannel(second.a, second.b)];
      const [own, relayed] = [bytePipe(), bytePipe()];
      await inward.sender.send(relayed.reader);
      await onward.sender.send([own.reader, (await take(inward.receiver)).value]);
      const streams = (await take(onward.receiver)).value as [ByteReader, ByteReader];
      const channels = [await openChannel(first.a, first.b), await openChannel(second.a, second.b)] as const;
      relay(channels[0].receiver, channels[1].sender);
      const sent: Promise<void>[] = [];
      const sendMore = (): void => {
        for (let i = 0; i < 20; i++) {
          for (const { writer } of [own, relayed]) sent.push(writer.write(new Uint8Array(10_000)));
          sent.push(channels[0].sender.send(new Uint8Array(10_000)));
        }
      };
      sendMore();
      await eventually('every window to be full', () => second.b.stats.unreadBytes > 360_000);
      const closing = second.a.close();
      sendMore();
      const settled = Promise.allSettled(sent);
      own.writer.close();
      relayed.writer.close();
      channels[0].sender.close();
      const behind = await openChannel(first.a, first.b);
      await behind.sender.send('all of it is in the middle');
      await take(behind.receiver);
      const lengths = await Promise.all(
        [...streams, channels[1].receiver].map(async (end) => {
          let bytes = 0;
          const reading = (async () => {
            for await (const piece of end as ByteReader) bytes += piece.length;
          })();
          await expect(reading).rejects.toMatchObject({ code: 'closed' });
          return bytes;
        }),
      );
      // What the session had taken it has brought.
      expect(100_000).toBeLessThanOrEqual(Math.min(...lengths));
      await closing;
      await expect(channels[0].sender.closed).rejects.toMatchObject({ code: 'closed' });
      await settled;
      for (const { sender, receiver } of [inward, behind]) {
        sender.close();
        expect(await collect(receiver)).toStrictEqual([]);
      }
    },
  },
  {
    name: 'closing a session whose peer takes nothing gives up after the grace time',
    async run({ connect, expect }) {
      const { a, b } = await connect({ a: { graceMs: 50 } });
      const { sender } = await openChannel<Uint8Array>(a, b);
      await sender.send(new Uint8Array(60_000));
      const stuck = sender.send(new Uint8Array(1_000_000));
      await Promise.all([a.close(), expect(stuck).rejects.toMatchObject({ code: 'closed' })]);
      expect(await b.closed).toMatchObject({ code: 'peer-gone' });
    },
  },
  {
    name: 'aborting the session drops everything at once: here its reason, there a peer that is gone',
    async run({ connect, expect }) {
      const { a, b } = await connect();
      const forth = await openChannel(a, b);
      const back = await openChannel(b, a);
      const data = bytePipe();
      await forth.sender.send(data.reader);
      const reader = (await take(forth.receiver)).value as ByteReader;
      const asking = await forth.sender.send('never answered', { returns: true });
      const { ret } = await take(forth.receiver);
      const waiting = [forth.receiver.receive(), reader.read(), b.accept()];
      const own = [back.receiver.receive(), asking.receive(), a.accept()];
      a.abort(new CircuitError('denied', 'thrown out'));
      a.abort();
      for (const one of own) await expect(one).rejects.toMatchObject({ code: 'denied', message: 'thrown out' });
      for (const one of waiting) await expect(one).rejects.toMatchObject({ code: 'peer-gone' });
      await expect(ret.send(1)).rejects.toMatchObject({ code: 'peer-gone' });
      await expect(back.sender.send(1)).rejects.toMatchObject({ code: 'peer-gone' });
      await expect(forth.sender.send(1)).rejects.toMatchObject({ code: 'denied' });
      await expect(data.writer.closed).rejects.toMatchObject({ code: 'denied' });
      expect(await a.closed).toMatchObject({ code: 'denied' });
      expect(await b.closed).toMatchObject({ code: 'peer-gone' });
      await a.close();
      await b.close();
    },
  },
  {
    name: 'a session that dies before it was agreed fails what was opened and sent',
    async run({ connect, expect }) {
      const { a, b } = await connect();
      const sender = a.open<string>();
      const sent = sender.send('too early');
      const asking = sender.send('so is this', { returns: true });
      const told = Promise.allSettled([sent, asking, sender.closed]);
      a.abort(new CircuitError('io', 'cut'));
      const outcomes = (await told).map((one) =>
        one.status === 'rejected' ? (one.reason as CircuitError).code : one.status,
      );
      expect(outcomes.at(-1)).toBe('io');
      await b.closed;
    },
  },
  {
    name: '100,000 channels opened and closed leave no entry',
    async run({ connect, expect }) {
      const { a, b } = await connect();
      let taken = 0;
      const taking = (async () => {
        while (taken < 100_000) {
          const { receiver } = await b.accept();
          const result = receiver.tryReceive();
          if (result?.done !== true && !(await receiver.receive()).done) throw new Error('not the end');
          taken++;
        }
      })();
      for (let i = 0; i < 100_000; i++) {
        const sender: Sender = a.open();
        sender.close();
        if (i % 1000 === 0) await sender.closed;
      }
      await taking;
      await eventually('the tables to be empty', () => a.stats.channels + b.stats.channels === 0);
      expect(b.stats.unaccepted).toBe(0);
    },
  },
  {
    name: 'a table that is full refuses the next channel and the next end, and takes more when one is gone',
    async run({ connect, expect }) {
      const { a, b } = await connect({ b: { limits: { maxChannels: 3 } } });
      const open = [await openChannel(a, b), await openChannel(a, b)];
      const nested = pipe<string>(1);
      await open[0]?.sender.send(nested.sender);
      let refusal: unknown;
      try {
        a.open();
      } catch (error) {
        refusal = error;
      }
      expect(refusal).toMatchObject({ code: 'limit' });
      const another = pipe(1);
      await expect(open[1]?.sender.send(another.sender)).rejects.toMatchObject({ code: 'limit' });
      await expect(another.receiver.receive()).rejects.toMatchObject({ code: 'undelivered' });
      const { value } = await take(open[0]?.receiver as Receiver);
      (value as Sender).close();
      expect(await collect(nested.receiver)).toStrictEqual([]);
      await eventually('the end to be gone', () => a.stats.channels === 2);
      open.push(await openChannel(a, b));
      for (const { sender, receiver } of open) {
        sender.close();
        expect(await collect(receiver)).toStrictEqual([]);
      }
    },
  },
];
