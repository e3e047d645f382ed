import { copy } from '../helpers/copy.js';
import { relay } from '../helpers/relay.js';
import { bytePipe } from '../local/byte-pipe.js';
import { pipe } from '../local/pipe.js';
import type { ByteReader, ByteWriter, Receiver, Sender, Session } from '../types.js';
import { readAll } from './streams.js';
import { ask, type Bench, chain, collect, eventually, openChannel, type Pair, type Row, serve, take } from './suite.js';

interface Nest {
  readonly depth: number;
  readonly to?: Sender<Nest>;
  readonly from?: Receiver<Nest>;
}

/** Sends a sender and a receiver inside each other's messages, down to `depth`, from alternating sides. */
async function descend(pair: Pair, from: Session, expect: Bench['expect']): Promise<void> {
  const { sender, receiver } = await openChannel<Nest>(from, from === pair.a ? pair.b : pair.a);
  let out: Sender<Nest> = sender;
  let into: Receiver<Nest> = receiver;
  const closers: (() => Promise<void>)[] = [];
  for (let depth = 0; depth < 4; depth++) {
    const downward = pipe<Nest>(1);
    const upward = pipe<Nest>(1);
    // Whoever gets the message may send to `to` and receive from `from`: both directions at every depth.
    await out.send({ depth, to: upward.sender, from: downward.receiver });
    const { value } = await take(into);
    expect(value.depth).toBe(depth);
    const [to, back] = [value.to as Sender<Nest>, value.from as Receiver<Nest>];
    const [usedOut, usedIn] = [out, into];
    if (depth % 2 === 0) [out, into] = [to, upward.receiver];
    else [out, into] = [downward.sender, back];
    const [idleOut, idleIn] = depth % 2 === 0 ? [downward.sender, back] : [to, upward.receiver];
    closers.push(async () => {
      await idleOut.send({ depth: -depth });
      idleOut.close();
      expect((await collect(idleIn)).length).toBe(1);
      usedOut.close();
      expect((await collect(usedIn)).length).toBe(0);
    });
  }
  await out.send({ depth: 99 });
  out.close();
  expect((await collect(into)).map((nest) => nest.depth)).toStrictEqual([99]);
  for (const close of closers) await close();
}

/** Channels and streams inside messages. */
export const nestingRows: readonly Row[] = [
  {
    name: 'senders and receivers in messages, to depth four, in both directions, from the dialler',
    async run({ connect, expect }) {
      const pair = await connect();
      await descend(pair, pair.a, expect);
    },
  },
  {
    name: 'senders and receivers in messages, to depth four, in both directions, from the listener',
    async run({ connect, expect }) {
      const pair = await connect();
      await descend(pair, pair.b, expect);
    },
  },
  {
    name: 'ends stand in any field: lists, maps, sets, errors, and in json',
    async run({ connect, expect }) {
      const { a, b } = await connect();
      for (const codec of ['msgpack', 'json']) {
        const { sender, receiver } = await openChannel(a, b, { codec });
        const pipes = Array.from({ length: 5 }, () => pipe<string>(1));
        const [p0, p1, p2, p3, p4] = pipes.map((one) => one.sender);
        const error = Object.assign(new Error('with an end'), { reply: p3 });
        await sender.send([p0, new Map([['m', { inner: p1 }]]), new Set([p2]), error, { ['__proto__x']: p4 }]);
        const { value } = await take(receiver);
        const [v0, v1, v2, v3, v4] = value as [
          Sender,
          Map<string, { inner: Sender }>,
          Set<Sender>,
          { reply: Sender },
          Record<string, Sender>,
        ];
        const ends = [v0, v1.get('m')?.inner, [...v2][0], v3.reply, v4['__proto__x']] as Sender[];
        for (const [i, end] of ends.entries()) {
          await end.send(`via ${i}`);
          end.close();
        }
        for (const [i, one] of pipes.entries()) expect(await collect(one.receiver)).toStrictEqual([`via ${i}`]);
        sender.close();
        expect(await collect(receiver)).toStrictEqual([]);
      }
    },
  },
  {
    name: 'an end in front of a key named __proto__ is taken once',
    async run({ connect, expect }) {
      const { a, b } = await connect();
      const { sender, receiver } = await openChannel(a, b);
      const back = pipe<string>(1);
      const value = JSON.parse('{"reply":0,"__proto__":1}') as Record<string, unknown>;
      value.reply = back.sender;
      await sender.send(value);
      const { reply } = (await take(receiver)).value as { reply: Sender };
      await reply.send('once');
      reply.close();
      expect(await collect(back.receiver)).toStrictEqual(['once']);
      sender.close();
      expect(await collect(receiver)).toStrictEqual([]);
    },
  },
  {
    name: 'an end that was sent away no longer works, and what waited on it is told',
    async run({ connect, expect }) {
      const { a, b } = await connect();
      const { sender, receiver } = await openChannel(a, b);
      const other = await openChannel<string>(b, a);
      const waiting = other.receiver.receive();
      await sender.send({ moved: other.receiver });
      await expect(waiting).rejects.toMatchObject({ code: 'conflict', detail: 'moved' });
      await expect(other.receiver.receive()).rejects.toMatchObject({ code: 'conflict', detail: 'moved' });
      await expect(sender.send({ again: other.receiver })).rejects.toMatchObject({ code: 'conflict' });
      const { value } = await take(receiver);
      await other.sender.send('round about');
      other.sender.close();
      expect(await collect((value as { moved: Receiver<string> }).moved)).toStrictEqual(['round about']);
      sender.close();
      expect(await collect(receiver)).toStrictEqual([]);
    },
  },
  {
    name: 'a received sender and a received receiver are handed on to a third party',
    async run(bench) {
      const { expect } = bench;
      const { left, middle, right } = await chain(bench);
      const first = await openChannel<{ to: Sender<number>; from: Receiver<number> }>(left, middle[0]);
      const second = await openChannel(middle[1], right);
      const [up, down] = [pipe<number>(4), pipe<number>(4)];
      await first.sender.send({ to: up.sender, from: down.receiver });
      await second.sender.send((await take(first.receiver)).value);
      const { to, from } = (await take(second.receiver)).value as { to: Sender<number>; from: Receiver<number> };
      const numbers = [...Array(2000).keys()];
      const pushAll = async (sender: Sender<number>): Promise<void> => {
        for (const i of numbers) await sender.send(i);
        sender.close();
      };
      void pushAll(to);
      void pushAll(down.sender);
      expect(await collect(up.receiver)).toStrictEqual(numbers);
      expect(await collect(from)).toStrictEqual(numbers);
      first.sender.close();
      second.sender.close();
      await Promise.all([collect(first.receiver), collect(second.receiver)]);
    },
  },
  {
    name: 'a receiver is handed on while messages are in flight: none is lost, none comes twice',
    async run(bench) {
      const { expect } = bench;
      const { left, middle, right } = await chain(bench);
      const stream = await openChannel<Uint8Array>(left, middle[0]);
      const second = await openChannel(middle[1], right);
      const sizes = [...Array(400).keys()].map((i) => (i % 40 === 7 ? 150_000 + i : i));
      const sending = (async () => {
        for (const size of sizes) await stream.sender.send(new Uint8Array(size));
        stream.sender.close();
      })();
      const before: number[] = [];
      while (before.length < 150) before.push((await take(stream.receiver)).value.length);
      await second.sender.send(stream.receiver);
      const { value } = await take(second.receiver);
      const after = (await collect(value as Receiver<Uint8Array>)).map((bytes) => bytes.length);
      expect([...before, ...after]).toStrictEqual(sizes);
      await sending;
      await stream.sender.closed;
      second.sender.close();
      await collect(second.receiver);
    },
  },
  {
    name: 'a sender with acknowledged sends on their way is handed on, and every one is acknowledged',
    async run(bench) {
      const { expect } = bench;
      const { left, middle, right } = await chain(bench);
      const onward = await openChannel<number>(middle[1], right);
      const inward = await openChannel<number>(left, middle[0]);
      const own = [onward.sender.send(1, { acknowledged: true }), onward.sender.send(2, { acknowledged: true })];
      relay(inward.receiver, onward.sender);
      const relayed = [inward.sender.send(3, { acknowledged: true }), inward.sender.send(4, { acknowledged: true })];
      for (const [i, sent] of [...own, ...relayed].entries()) {
        expect((await take(onward.receiver)).value).toBe(i + 1);
        await sent;
      }
      inward.sender.close();
      expect(await collect(onward.receiver)).toStrictEqual([]);
      await inward.sender.closed;
    },
  },
  {
    name: 'a relay passes on the end, an abort and a cancel, and refuses for a target that is closed',
    async run(bench) {
      const { expect } = bench;
      const { left, middle, right } = await chain(bench);
      const join = async (): Promise<{ sender: Sender; receiver: Receiver }> => {
        const inward = await openChannel(left, middle[0]);
        const onward = await openChannel(middle[1], right);
        relay(inward.receiver, onward.sender);
        return { sender: inward.sender, receiver: onward.receiver };
      };
      const [closed, aborted, cancelled] = [await join(), await join(), await join()];
      await closed.sender.send('x');
      closed.sender.close();
      expect(await collect(closed.receiver)).toStrictEqual(['x']);
      await closed.sender.closed;
      aborted.sender.abort(new Error('enough'));
      await expect(aborted.receiver.receive()).rejects.toMatchObject({ code: 'aborted', message: 'enough' });
      cancelled.receiver.cancel(new Error('no more'));
      await expect(cancelled.sender.closed).rejects.toMatchObject({ code: 'aborted', message: 'no more' });
      const inward = await openChannel(left, middle[0]);
      const onward = await openChannel(middle[1], right);
      onward.sender.close();
      relay(inward.receiver, onward.sender);
      await expect(inward.sender.closed).rejects.toMatchObject({ code: 'closed' });
      expect(await collect(onward.receiver)).toStrictEqual([]);
    },
  },
  {
    name: 'a proxy made with copy keeps return channels, nested channels and byte streams working',
    async run(bench) {
      const { expect } = bench;
      const { left, middle, right } = await chain(bench);
      const inward = await openChannel(left, middle[0]);
      const onward = await openChannel(middle[1], right);
      const copying = copy(onward.sender, inward.receiver);
      const serving = (async () => {
        for (;;) {
          const message = await onward.receiver.receive();
          if (message.done) return;
          const { input, output, progress } = message.value as {
            input: ByteReader;
            output: ByteWriter;
            progress: Sender<number>;
          };
          void (async () => {
            let bytes = 0;
            for await (const chunk of input) {
              bytes += chunk.length;
              await output.write(chunk);
              await progress.send(bytes);
            }
            output.close();
            progress.close();
            await message.ret.send({ bytes });
            message.ret.close();
          })();
        }
      })();
      const jobs = [1, 5, 20].map(async (count) => {
        const [input, output, progress] = [bytePipe(), bytePipe(), pipe<number>(8)];
        const asking = inward.sender.send(
          { input: input.reader, output: output.writer, progress: progress.sender },
          { returns: true },
        );
        void (async () => {
          for (let i = 0; i < count; i++) await input.writer.write(new Uint8Array(10_000).fill(i));
          input.writer.close();
        })();
        let echoed = 0;
        const reading = (async () => {
          for await (const chunk of output.reader) echoed += chunk.length;
        })();
        expect((await collect(progress.receiver)).at(-1)).toBe(count * 10_000);
        await reading;
        expect(await collect(await asking)).toStrictEqual([{ bytes: count * 10_000 }]);
        expect(echoed).toBe(count * 10_000);
      });
      await Promise.all(jobs);
      inward.sender.close();
      expect(await copying).toBe(3);
      onward.sender.close();
      await serving;
    },
  },
  {
    name: 'an end comes home by way of the other side and works',
    async run({ connect, expect }) {
      const { a, b } = await connect();
      const forth = await openChannel(a, b);
      const back = await openChannel(b, a);
      const mine = pipe<string>(1);
      await forth.sender.send(mine.sender);
      await back.sender.send((await take(forth.receiver)).value);
      const home = (await take(back.receiver)).value as Sender<string>;
      await home.send('there and back');
      home.close();
      expect(await collect(mine.receiver)).toStrictEqual(['there and back']);
      forth.sender.close();
      back.sender.close();
      await Promise.all([collect(forth.receiver), collect(back.receiver)]);
    },
  },
  {
    name: 'ends that come home go on without the other side',
    async run({ connect, expect }) {
      const pair = await connect();
      const { a, b } = pair;
      const forth = await openChannel(a, b);
      const back = await openChannel(b, a);
      const channel = pipe<number>(1);
      const stream = bytePipe();
      type Ends = [Sender<number>, Receiver<number>, ByteReader, ByteWriter];
      await forth.sender.send([channel.sender, channel.receiver, stream.reader, stream.writer]);
      const far = (await take(forth.receiver)).value as Ends;
      // What was sent from afar and what is under way comes first.
      await far[0].send(1);
      await far[3].write(Uint8Array.of(1));
      await back.sender.send(far);
      const [sender, receiver, reader, writer] = (await take(back.receiver)).value as Ends;
      const [sent, written] = [sender.send(2), writer.write(Uint8Array.of(2))];
      expect([(await take(receiver)).value, (await take(receiver)).value]).toStrictEqual([1, 2]);
      await sent;
      let bytes: readonly number[] = [];
      while (bytes.length < 2) bytes = [...bytes, ...((await reader.read()) ?? [])];
      expect(bytes).toStrictEqual([1, 2]);
      await written;
      await eventually('the tables to hold what carried the ends and nothing else', () => {
        return a.stats.channels === 2 && b.stats.channels === 2;
      });
      a.abort();
      await b.closed;
      await sender.send(3);
      sender.close();
      expect(await collect(receiver)).toStrictEqual([3]);
      await sender.closed;
      await writer.write(Uint8Array.of(3));
      writer.close();
      expect((await readAll(reader)).join()).toBe('3');
      await writer.closed;
    },
  },
  {
    name: 'ends handed on over another session to the process they are from go on without who handed them on',
    async run({ connect, expect }) {
      // `first.a` and `second.b` are of one process, the other two stand for whoever hands on.
      const [first, second] = [await connect(), await connect()];
      const inward = await openChannel(first.a, first.b);
      const onward = await openChannel(second.a, second.b);
      const channel = pipe<number>(1);
      const answers = await inward.sender.send<number>(channel.receiver, { returns: true });
      const { value, ret } = await take(inward.receiver);
      await channel.sender.send(1);
      await ret.send(1);
      await inward.sender.send(1);
      await onward.sender.send([value, ret, inward.receiver]);
      type Ends = [Receiver<number>, Sender<number>, Receiver<number>];
      const [receiver, sender, opened] = (await take(onward.receiver)).value as Ends;
      const sends = [channel.sender.send(2), sender.send(2), inward.sender.send(2)];
      for (const end of [receiver, answers, opened])
        expect([(await take(end)).value, (await take(end)).value]).toStrictEqual([1, 2]);
      await Promise.all(sends);
      await eventually('the tables to hold what carried the ends and nothing else', () => {
        return [first.a, first.b, second.a, second.b].map(({ stats }) => stats.channels).join() === '0,0,1,1';
      });
      for (const { a, b } of [first, second]) {
        a.abort();
        await b.closed;
      }
      await Promise.all([channel.sender.send(3), sender.send(3), inward.sender.send(3)]);
      for (const end of [channel.sender, sender, inward.sender]) end.close();
      for (const end of [receiver, answers, opened]) expect(await collect(end)).toStrictEqual([3]);
      await Promise.all([channel.sender.closed, sender.closed, inward.sender.closed]);
    },
  },
  {
    name: 'requests in flight through a relay of three processes all come back',
    async run(bench) {
      const { expect } = bench;
      const { left, middle, right } = await chain(bench);
      const inward = await openChannel<number>(left, middle[0]);
      const onward = await openChannel<number>(middle[1], right);
      relay(inward.receiver, onward.sender);
      const serving = serve(onward.receiver, (value) => value + 1);
      const answers = await Promise.all([...Array(1000).keys()].map((i) => ask(inward.sender, i)));
      expect(answers).toStrictEqual([...Array(1000).keys()].map((i) => i + 1));
      inward.sender.close();
      await serving;
    },
  },
];
