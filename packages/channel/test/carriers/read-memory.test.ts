import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ReadMemory } from '../../src/carriers/socket/read-memory.js';
import { copyBelowBytes } from '../../src/wire/frame.js';

/** Reads as a socket does: into what `onread` names, as much as fits. */
class Socket {
  readonly memory: Uint8Array;
  readonly #read: ReadMemory;
  #value = 0;

  constructor(read: ReadMemory) {
    const { buffer } = read.options.onread;
    // Memory that Node asks for behind each read is lost when that read ends in an exception that is nobody's.
    if (typeof buffer === 'function') throw new Error('other memory for each read');
    this.memory = buffer;
    this.#read = read;
  }

  /** Each byte of a read is the number of the read. Answers with how much it was. */
  read(bytes: number): number {
    const { memory } = this;
    const count = Math.min(bytes, memory.length);
    memory.fill(++this.#value & 0xff, 0, count);
    expect(this.#read.options.onread.callback(count, memory)).toBe(true);
    return count;
  }
}

test('all sockets read into the same memory, of which little is a view and much is a copy', () => {
  for (let i = 0; i < 3; i++) {
    const read = new ReadMemory();
    const seen: Uint8Array[] = [];
    read.start((chunk) => void seen.push(chunk));
    const socket = new Socket(read);
    expect(socket.memory).toBe(new Socket(new ReadMemory()).memory);
    for (const bytes of [1, copyBelowBytes - 1, copyBelowBytes, 65_536, 70_000]) socket.read(bytes);
    expect(seen.map(({ length }) => length)).toStrictEqual([1, copyBelowBytes - 1, copyBelowBytes, 65_536, 65_536]);
    expect(seen.map(({ buffer }) => buffer === socket.memory.buffer)).toStrictEqual([true, true, false, false, false]);
    expect(seen.slice(2).map(({ buffer }) => buffer.byteLength)).toStrictEqual([copyBelowBytes, 65_536, 65_536]);
  }
});

/** How much is read at a time. */
const anyReads = fc.array(fc.integer({ min: 1, max: 70_000 }), { maxLength: 60 });

test('what is large, and what arrives before somebody takes it, is never overwritten', () => {
  fc.assert(
    fc.property(anyReads, fc.nat(10), (reads, before) => {
      const memory = new ReadMemory();
      const socket = new Socket(memory);
      const kept: Uint8Array[] = [];
      let taken = 0;
      let early = true;
      const start = (): void =>
        memory.start((chunk) => {
          taken += chunk.length;
          if (early || chunk.length >= copyBelowBytes) kept.push(chunk);
        });
      let read = 0;
      for (const [i, bytes] of reads.entries()) {
        if (i === before) {
          start();
          early = false;
        }
        read += socket.read(bytes);
      }
      if (reads.length <= before) start();
      expect(taken).toBe(read);
      // All of one read, whose bytes are its number.
      expect(kept.every((chunk) => Buffer.alloc(chunk.length, chunk[0]).equals(chunk))).toBe(true);
    }),
  );
});
