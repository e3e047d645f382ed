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

/** What streams are written in. */
export const chunk = new Uint8Array(65_536);

/** How many a second, `run` being done with `count` when it comes back. */
export async function perSecond(count, run) {
  const start = performance.now();
  await run();
  return (count * 1000) / (performance.now() - start);
}

/** Runs `one` `count` times, `inFlight` at a time, behind once that does not count; how many a second. */
export async function flight(inFlight, count, one) {
  let left = count;
  const worker = async () => {
    while (left-- > 0) await one();
  };
  await one();
  return perSecond(count, () => Promise.all(Array.from({ length: inFlight }, worker)));
}

/** Whether there is more, so many times. */
export function times(count) {
  let left = count;
  return () => left-- > 0;
}

/** The worst percent of `count` round trips, in ms, while `pour` writes a stream as long as what it is given says that there is more. */
export async function worstPercent(count, ask, pour) {
  let asking = true;
  const poured = pour(() => asking);
  const took = [];
  for (let i = 0; i < count; i++) {
    const start = performance.now();
    await ask();
    took.push(performance.now() - start);
  }
  asking = false;
  await poured;
  return took.sort((a, b) => a - b)[Math.floor(count * 0.99)];
}

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
