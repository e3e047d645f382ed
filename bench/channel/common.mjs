import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** A pre-shared key for the bench alone. */
export const key = createHash('sha256').update('bench').digest();
export const identity = 'bench';
/** What a small message carries. */
export const ownSize = 100;
export const message = new Uint8Array(ownSize).fill(7);
/** About 100 bytes of MessagePack with a structure. */
export const record = { id: 12345, name: 'some-name-here', tags: ['a', 'bb', 'ccc'], note: 'x'.repeat(50) };

export function median(values) {
  return [...values].sort((a, b) => a - b)[values.length >> 1];
}

/** Processor time of a process so far, microseconds of its own and of the system for it, in the ticks of 10 ms that Linux counts. */
export function processorTime(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1).split(' ');
  return [fields[11], fields[12]].map((ticks) => 10_000 * Number(ticks));
}

/** Bytes in the heap of this process and beside it, after a collection (`--expose-gc`). */
export function heapBytes() {
  // What is finalized by the first is freed by the second.
  globalThis.gc();
  globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
