import { spawn } from 'node:child_process';
import { createHash, randomFillSync } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duplex, PassThrough, Readable, Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { bytePipe, type ByteDuplex, type ByteReader, type ByteWriter } from '@circuit/channel';
import { collect, type Connect, openChannel, readAll, type Row, take } from '@circuit/channel/conformance';
import { everyTransport } from './every-transport.js';
import { liveBytes } from './live-bytes.js';

const mebibyte = 1_048_576;
/** 64 MiB by default; a nightly run asks for more. */
const largeBytes = Number(process.env.CIRCUIT_LARGE_MIB ?? 64) * mebibyte;

/** A connected pair of TCP sockets. */
async function socketPair(): Promise<[Socket, Socket, () => Promise<void>]> {
  const server = createServer({ allowHalfOpen: true });
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const near = connect({ port: (server.address() as { port: number }).port, host: '127.0.0.1', allowHalfOpen: true });
  const far = await accepted;
  const close = async (): Promise<void> => {
    near.destroy();
    far.destroy();
    await new Promise<void>((resolve) => void server.close(() => resolve()));
  };
  return [near, far, close];
}

/** The transports that Node's streams are sent over. */
export const nodeStreamTransports: Readonly<Record<string, Connect>> = everyTransport;

/** Streams of Node in messages; the suite itself runs where there is no Node. */
export const nodeStreamRows: readonly Row[] = [
  {
    name: 'a Readable, a Writable and a Duplex of Node, in any field',
    async run({ connect: pairs, expect }) {
      const { a, b } = await pairs();
      const { sender, receiver } = await openChannel(a, b);
      const chunks: Buffer[] = [];
      const sink = new Writable({
        write(chunk: Buffer, _encoding, done) {
          chunks.push(chunk);
          done();
        },
      });
      const echo = new PassThrough();
      await sender.send([{ source: Readable.from(['grü', Buffer.from('ße')]) }, new Map([['sink', sink]]), echo]);
      const [{ source }, sinks, io] = (await take(receiver)).value as [
        { source: ByteReader },
        Map<string, ByteWriter>,
        ByteDuplex,
      ];
      expect(Buffer.from(await readAll(source)).toString()).toBe('grüße');
      const writer = sinks.get('sink') as ByteWriter;
      await writer.write(Uint8Array.of(1, 2));
      writer.close();
      await finished(sink);
      expect(Buffer.concat(chunks)).toStrictEqual(Buffer.from([1, 2]));
      await io.writer.write(Uint8Array.of(3));
      io.writer.close();
      expect(await readAll(io.reader)).toStrictEqual(Uint8Array.of(3));
      sender.close();
      await collect(receiver);
    },
  },
  {
    name: "what has one side arrives as that side: a child's stdin, a piped stdin and stdout of one's own",
    async run({ connect: pairs, expect }) {
      const { a, b } = await pairs();
      const { sender, receiver } = await openChannel<{ stdin: ByteWriter; in: ByteReader; out: ByteWriter }>(a, b);
      const child = spawn('cat', { stdio: ['pipe', 'pipe', 'ignore'] });
      // As Node makes its own when they are pipes: sockets without one of their sides.
      const [from, to] = [new Socket({ writable: false }), new Socket({ readable: false })];
      await sender.send({ stdin: child.stdin as never, in: from as never, out: to as never });
      const { value } = await take(receiver);
      expect(
        Object.values(value).map((end) => ('read' in end ? 'reader' : 'write' in end ? 'writer' : 'duplex')),
      ).toStrictEqual(['writer', 'reader', 'writer']);
      await value.stdin.write(Uint8Array.of(1, 2));
      value.stdin.close();
      const echoed: Buffer[] = [];
      for await (const chunk of child.stdout) echoed.push(chunk as Buffer);
      expect(Buffer.concat(echoed)).toStrictEqual(Buffer.from([1, 2]));
      value.in.cancel();
      // A socket that is connected to nothing never gets to its end.
      value.out.abort();
      sender.close();
      await collect(receiver);
    },
  },
  {
    name: 'a socket, with what came before it was sent, and each direction closed on its own',
    async run({ connect: pairs, expect }) {
      const { a, b } = await pairs();
      const { sender, receiver } = await openChannel(a, b);
      const [near, far, close] = await socketPair();
      far.write('early ');
      await new Promise((resolve) => near.once('readable', resolve));
      await sender.send(near);
      const { reader, writer } = (await take(receiver)).value as ByteDuplex;
      far.end('late');
      expect(Buffer.from(await readAll(reader)).toString()).toBe('early late');
      await writer.write(new TextEncoder().encode('answer after the end'));
      writer.close();
      const answer: Buffer[] = [];
      for await (const chunk of far) answer.push(chunk as Buffer);
      expect(Buffer.concat(answer).toString()).toBe('answer after the end');
      await close();
      sender.close();
      await collect(receiver);
    },
  },
  {
    name: 'files, in and out',
    async run({ connect: pairs, expect }) {
      const { a, b } = await pairs();
      const { sender, receiver } = await openChannel(a, b);
      const folder = await mkdtemp(join(tmpdir(), 'channel-'));
      const content = randomFillSync(Buffer.alloc(3_000_000));
      await writeFile(join(folder, 'in'), content);
      const output = createWriteStream(join(folder, 'out'));
      await sender.send({ input: createReadStream(join(folder, 'in')), output });
      const { input, output: writer } = (await take(receiver)).value as { input: ByteReader; output: ByteWriter };
      for await (const chunk of input) await writer.write(chunk);
      writer.close();
      await finished(output);
      expect((await readFile(join(folder, 'out'))).equals(content)).toBe(true);
      await rm(folder, { recursive: true });
      sender.close();
      await collect(receiver);
    },
  },
  {
    name: 'streams of Node that fail, or are over before they are sent',
    async run({ connect: pairs, expect }) {
      const { a, b } = await pairs();
      const { sender, receiver } = await openChannel(a, b);
      const failing = new Readable({ read: () => void failing.destroy(new Error('bad sector')) });
      const over = Readable.from([Buffer.from('x')]);
      over.resume();
      await finished(over);
      const destroyed = new Readable({ read: () => undefined });
      destroyed.destroy();
      const full = new Writable({ write: (_chunk, _encoding, done) => done(new Error('disk full')) });
      await sender.send([failing, over, destroyed, full]);
      const [one, two, three, four] = (await take(receiver)).value as [ByteReader, ByteReader, ByteReader, ByteWriter];
      await expect(one.read()).rejects.toMatchObject({ code: 'io', message: 'bad sector' });
      expect(await two.read()).toBe(undefined);
      await expect(three.read()).rejects.toMatchObject({ code: 'aborted' });
      await four.write(Uint8Array.of(1));
      await expect(four.closed).rejects.toMatchObject({ message: 'disk full' });
      sender.close();
      await collect(receiver);
    },
  },
  {
    name: 'a stream of Node is destroyed when the other side cancels or aborts',
    async run({ connect: pairs, expect }) {
      const { a, b } = await pairs();
      const { sender, receiver } = await openChannel(a, b);
      const source = new Readable({ read: () => undefined });
      const sink = new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() });
      const ends = [source, sink].map((stream) => finished(stream).catch((error: unknown) => error));
      await sender.send([source, sink]);
      const [reader, io] = (await take(receiver)).value as [ByteReader, ByteDuplex];
      reader.cancel(new Error('enough'));
      io.writer.abort(new Error('broken'));
      expect(await ends[0]).toMatchObject({ message: 'enough' });
      expect(await ends[1]).toMatchObject({ message: 'broken' });
      await expect(io.reader.read()).rejects.toMatchObject({ message: 'broken' });
      sender.close();
      await collect(receiver);
    },
  },
  {
    name: 'a large stream each way at once: equal SHA-256, memory flat',
    async run({ connect: pairs, expect }) {
      const { a, b } = await pairs();
      const { sender, receiver } = await openChannel<{ input: ByteReader; output: ByteWriter }>(a, b);
      const [forth, back] = [bytePipe(), bytePipe()];
      await sender.send({ input: forth.reader, output: back.writer });
      const { input, output } = (await take(receiver)).value;
      // What was written must not be changed, so the blocks are read only and come round again.
      const blocks = Array.from({ length: 7 }, () => randomFillSync(new Uint8Array(mebibyte)));
      const sampledEvery = Math.ceil(largeBytes / mebibyte / 10);
      let peak = 0;
      const push = async (writer: ByteWriter): Promise<string> => {
        const hash = createHash('sha256');
        for (let i = 0; i < largeBytes / mebibyte; i++) {
          const block = blocks[i % blocks.length] as Uint8Array;
          hash.update(block);
          await writer.write(block);
          if (i % sampledEvery === 0) peak = Math.max(peak, liveBytes());
        }
        writer.close();
        return hash.digest('hex');
      };
      const pull = async (reader: ByteReader): Promise<string> => {
        const hash = createHash('sha256');
        for await (const chunk of reader) hash.update(chunk);
        return hash.digest('hex');
      };
      const before = liveBytes();
      const ways = [push(forth.writer), pull(input), push(output), pull(back.reader)];
      const [sent, got, sentBack, gotBack] = await Promise.all(ways);
      expect([got, gotBack]).toStrictEqual([sent, sentBack]);
      expect(peak - before).toBeLessThanOrEqual(12 * mebibyte);
      sender.close();
      await collect(receiver);
    },
  },
];
