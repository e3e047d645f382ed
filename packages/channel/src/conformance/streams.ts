import { bytePipe } from '../local/byte-pipe.js';
import type { ByteDuplex, ByteReader, ByteWriter } from '../types.js';
import { chain, collect, eventually, openChannel, type Row, take } from './suite.js';

/** Everything up to the end, in one piece. */
export async function readAll(reader: ByteReader): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of reader) chunks.push(chunk);
  return joined(chunks);
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

/** Runners compare long lists slowly. */
function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, i) => byte === other[i]);
}

function pattern(length: number): Uint8Array {
  return new Uint8Array(length).map((_, i) => (i * 31 + (i >> 8)) & 0xff);
}

/** Bytes in messages, as byte pipes and as web streams; streams of Node have rows of their own. */
export const streamRows: readonly Row[] = [
  {
    name: 'a byte stream towards the other side, with what was written before the message was sent',
    async run({ connect, expect }) {
      const { a, b } = await connect();
      const { sender, receiver } = await openChannel<ByteReader>(a, b);
      const { reader, writer } = bytePipe();
      await writer.write(Uint8Array.of(1, 2, 3));
      await writer.write(Uint8Array.of(4));
      await sender.send(reader);
      const { value } = await take(receiver);
      await writer.write(Uint8Array.of(5));
      writer.close();
      expect(await readAll(value)).toStrictEqual(Uint8Array.of(1, 2, 3, 4, 5));
      expect(await value.read()).toBe(undefined);
      await writer.closed;
      sender.close();
      await collect(receiver);
    },
  },
  {
    name: 'a byte stream from the other side, given away as a writer',
    async run({ connect, expect }) {
      const { a, b } = await connect();
      const { sender, receiver } = await openChannel<ByteWriter>(a, b);
      const { reader, writer } = bytePipe();
      await sender.send(writer);
      const { value } = await take(receiver);
      const data = pattern(300_000);
      await value.write(data.subarray(0, 7));
      await value.write(data.subarray(7, 200_000));
      await value.write(data.subarray(200_000));
      value.close();
      expect(sameBytes(await readAll(reader), data)).toBe(true);
      await value.closed;
      await expect(value.write(Uint8Array.of(1))).rejects.toMatchObject({ code: 'closed' });
      sender.close();
      await collect(receiver);
    },
  },
  {
    name: 'both directions in one message, each closed on its own',
    async run({ connect, expect }) {
      const { a, b } = await connect();
      const { sender, receiver } = await openChannel<{ io: ByteDuplex }>(a, b);
      const [forth, back] = [bytePipe(), bytePipe()];
      await sender.send({ io: { reader: forth.reader, writer: back.writer } });
      const { reader, writer } = (await take(receiver)).value.io;
      await forth.writer.write(pattern(10));
      forth.writer.close();
      expect(await readAll(reader)).toStrictEqual(pattern(10));
      await writer.write(pattern(20));
      writer.close();
      expect(await readAll(back.reader)).toStrictEqual(pattern(20));
      sender.close();
      await collect(receiver);
    },
  },
  {
    name: 'web streams: a readable and a writable',
    async run({ connect, expect }) {
      const { a, b } = await connect();
      const { sender, receiver } = await openChannel<{ input: unknown; output: unknown }>(a, b);
      const source = new ReadableStream<Uint8Array>({
        start(controller) {
          controller.enqueue(pattern(100));
          controller.enqueue(pattern(70_000));
          controller.close();
        },
      });
      const chunks: Uint8Array[] = [];
      let finished: () => void = () => undefined;
      const ended = new Promise<void>((resolve) => {
        finished = resolve;
      });
      const sink = new WritableStream<Uint8Array>({
        write: (chunk) => void chunks.push(chunk),
        close: () => finished(),
      });
      await sender.send({ input: source, output: sink });
      const { input, output } = (await take(receiver)).value as { input: ByteReader; output: ByteWriter };
      expect(sameBytes(await readAll(input), joined([pattern(100), pattern(70_000)]))).toBe(true);
      for (let i = 0; i < 10; i++) await output.write(pattern(i * 1000));
      output.close();
      await ended;
      expect(joined(chunks)).toStrictEqual(joined([...Array(10).keys()].map((i) => pattern(i * 1000))));
      sender.close();
      await collect(receiver);
    },
  },
  {
    name: 'a web stream that fails aborts, one that is refused is cancelled',
    async run({ connect, expect }) {
      const { a, b } = await connect();
      const { sender, receiver } = await openChannel(a, b);
      let told: (reason: unknown) => void = () => undefined;
      const cancelled = new Promise((resolve) => {
        told = resolve;
      });
      const failing = new ReadableStream<Uint8Array>({
        pull(controller) {
          controller.error(new Error('the disk is gone'));
        },
      });
      await sender.send(failing);
      const first = (await take(receiver)).value as ByteReader;
      await expect(first.read()).rejects.toMatchObject({ message: 'the disk is gone' });
      await sender.send(new ReadableStream<Uint8Array>({ cancel: (reason) => told(reason) }));
      const second = (await take(receiver)).value as ByteReader;
      second.cancel(new Error('thank you'));
      expect(await cancelled).toMatchObject({ message: 'thank you' });
      await sender.send(
        new WritableStream<Uint8Array>({
          write() {
            throw new Error('full');
          },
        }),
      );
      const third = (await take(receiver)).value as ByteWriter;
      await third.write(Uint8Array.of(1));
      await expect(third.closed).rejects.toMatchObject({ message: 'full' });
      sender.close();
      await collect(receiver);
    },
  },
  {
    name: 'characters of several bytes survive cuts at every place',
    async run({ connect, expect }) {
      const { a, b } = await connect();
      const { sender, receiver } = await openChannel<ByteReader>(a, b);
      const text = 'grüße, 世界, 🎈!';
      const bytes = new TextEncoder().encode(text);
      for (let cut = 0; cut <= bytes.length; cut++) {
        const { reader, writer } = bytePipe();
        await sender.send(reader);
        await writer.write(bytes.subarray(0, cut));
        await writer.write(bytes.subarray(cut));
        writer.close();
        const decoder = new TextDecoder();
        let got = '';
        for await (const chunk of (await take(receiver)).value) got += decoder.decode(chunk, { stream: true });
        expect(got + decoder.decode()).toBe(text);
      }
      sender.close();
      await collect(receiver);
    },
  },
  {
    name: 'ten megabytes in pieces of odd sizes, through a stream that was handed on twice',
    async run(bench) {
      const { expect } = bench;
      const { left, middle, right } = await chain(bench);
      const first = await openChannel<ByteReader>(left, middle[0]);
      const second = await openChannel<ByteReader>(middle[1], right);
      const { reader, writer } = bytePipe();
      const data = pattern(10_000_000);
      await first.sender.send(reader);
      const writing = (async () => {
        for (let at = 0, size = 1; at < data.length; at += size, size = (size * 7 + 3) % 300_007) {
          await writer.write(data.subarray(at, at + size));
        }
        writer.close();
      })();
      await second.sender.send((await take(first.receiver)).value);
      const got = await readAll((await take(second.receiver)).value);
      expect(sameBytes(got, data)).toBe(true);
      // All of it went through the middle.
      for (const { stats } of [middle[0], right]) expect(data.length).toBeLessThanOrEqual(stats.bytesIn);
      await writing;
      for (const { sender, receiver } of [first, second]) {
        sender.close();
        await collect(receiver);
      }
    },
  },
  {
    name: 'a write that is given up leaves no hole: its chunk is sent whole or not at all',
    async run({ connect, expect }) {
      const { a, b } = await connect({ b: { limits: { streamWindowBytes: 200_000 } } });
      const own = await openChannel<ByteWriter>(b, a);
      const target = bytePipe(0);
      await own.sender.send(target.writer);
      const stream = (await take(own.receiver)).value;
      const stop = new AbortController();
      const large = stream.write(pattern(1_000_000), { signal: stop.signal });
      const behind = stream.write(Uint8Array.of(1), { signal: stop.signal });
      const last = stream.write(Uint8Array.of(2));
      await eventually('a part to be written', () => a.stats.unsentBytes < 900_000);
      stop.abort();
      await large;
      await expect(behind).rejects.toMatchObject({ code: 'cancelled' });
      stream.close();
      expect(sameBytes(await readAll(target.reader), joined([pattern(1_000_000), Uint8Array.of(2)]))).toBe(true);
      await last;
      own.sender.close();
      await collect(own.receiver);
    },
  },
  {
    name: 'the ends of a stream: abort and cancel carry code and message, a loop left early cancels',
    async run({ connect, expect }) {
      const { a, b } = await connect();
      const { sender, receiver } = await openChannel<ByteReader>(a, b);
      const remote = async (): Promise<{ reader: ByteReader; writer: ByteWriter }> => {
        const { reader, writer } = bytePipe();
        await sender.send(reader);
        return { reader: (await take(receiver)).value, writer };
      };
      const aborted = await remote();
      await aborted.writer.write(Uint8Array.of(1));
      expect(await aborted.reader.read()).toStrictEqual(Uint8Array.of(1));
      aborted.writer.abort(new Error('broken off'));
      await expect(aborted.reader.read()).rejects.toMatchObject({ code: 'aborted', message: 'broken off' });
      const cancelled = await remote();
      cancelled.reader.cancel(new Error('seen enough'));
      await expect(cancelled.writer.closed).rejects.toMatchObject({ code: 'aborted', message: 'seen enough' });
      await expect(cancelled.writer.write(Uint8Array.of(1))).rejects.toMatchObject({ message: 'seen enough' });
      const left = await remote();
      await left.writer.write(Uint8Array.of(1));
      for await (const chunk of left.reader) {
        expect(chunk).toStrictEqual(Uint8Array.of(1));
        break;
      }
      await expect(left.writer.closed).rejects.toMatchObject({ code: 'aborted' });
      sender.close();
      await collect(receiver);
    },
  },
];
