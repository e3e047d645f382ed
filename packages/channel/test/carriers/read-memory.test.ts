import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ReadMemory } from '../../src/carriers/socket/read-memory.js';

/** Reads as a socket does: into what `onread` names, as much as fits. */
class Socket {
  readonly #memory: ReadMemory;
  #value = 0;

  constructor(memory: ReadMemory) {
    this.#memory = memory;
  }

  /** How much room the next read has. */
  get room(): number {
    return this.#next().length;
  }

  /** Each byte of a read is the number of the read. Answers with how much it was. */
  read(bytes: number): number {
    const room = this.#next();
    const count = Math.min(bytes, room.length);
    room.fill(++this.#value & 0xff, 0, count);
    expect(this.#memory.options.onread.callback(count, room)).toBe(true);
    return count;
  }

  #next(): Uint8Array {
    const { buffer } = this.#memory.options.onread;
    return typeof buffer === 'function' ? buffer() : buffer;
  }
}

test('little is held while little arrives, and the same memory is read into again', () => {
  const memory = new ReadMemory();
  const seen = new Set<ArrayBufferLike>();
  memory.start((chunk) => {
    seen.add(chunk.buffer);
    return false;
  });
  const socket = new Socket(memory);
  for (let i = 0; i < 1000; i++) socket.read(100);
  expect([...seen].map(({ byteLength }) => byteLength)).toStrictEqual([4096]);
});

test('a read that fills the memory makes it larger, and many that would have fitted smaller again', () => {
  const memory = new ReadMemory();
  memory.start(() => false);
  const socket = new Socket(memory);
  expect(socket.read(10_000)).toBe(4096);
  expect(socket.room).toBe(65_536);
  for (let i = 0; i < 63; i++) socket.read(100);
  socket.read(30_000);
  for (let i = 0; i < 63; i++) socket.read(100);
  expect(socket.room).toBe(65_536);
  socket.read(100);
  expect(socket.room).toBe(4096);
});

test('memory that somebody holds is not read into again, and what a read can bring is the most there is', () => {
  const memory = new ReadMemory(16_384);
  const seen: ArrayBufferLike[] = [];
  memory.start((chunk) => seen.push(chunk.buffer));
  const socket = new Socket(memory);
  for (let i = 0; i < 10; i++) socket.read(20_000);
  expect(new Set(seen).size).toBe(10);
  expect(seen.map(({ byteLength }) => byteLength)).toStrictEqual([4096, ...Array<number>(9).fill(16_384)]);
});

/** How much is read at a time, and whether views into it are kept. */
const anyReads = fc.array(fc.tuple(fc.integer({ min: 1, max: 70_000 }), fc.boolean()), { maxLength: 60 });

test('what is kept, and what arrives before somebody takes it, is never overwritten', () => {
  fc.assert(
    fc.property(anyReads, fc.nat(10), (reads, before) => {
      const memory = new ReadMemory();
      const socket = new Socket(memory);
      const kept: { readonly chunk: Uint8Array; readonly copy: Uint8Array }[] = [];
      let keep = true;
      let taken = 0;
      const start = (): void =>
        memory.start((chunk) => {
          taken += chunk.length;
          if (keep) kept.push({ chunk, copy: chunk.slice() });
          return keep;
        });
      let read = 0;
      for (const [i, [bytes, keeps]] of reads.entries()) {
        if (i === before) start();
        keep = keeps;
        read += socket.read(bytes);
      }
      keep = true;
      if (reads.length <= before) start();
      expect(taken).toBe(read);
      for (const { chunk, copy } of kept) {
        expect(Buffer.compare(chunk, copy)).toBe(0);
        // All of one read, whose bytes are its number.
        expect(chunk.every((byte) => byte === chunk[0])).toBe(true);
      }
    }),
  );
});
