import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomInt, seededRandom } from '@circuit/base';
import { ChannelSession, memoryPair } from '@circuit/channel';
import { expect, test } from 'vitest';
import { hex, unhex } from '../support/raw-peer.js';
import { Coverage } from './coverage.js';
import { Mutator } from './mutate.js';
import { type Recording, record } from './recording.js';
import { tryReads } from './trial.js';

/** How long it goes on: CI gives 30 s, a nightly run 10 minutes. */
const fuzzMs = Number(process.env.CIRCUIT_FUZZ_MS ?? 3000);
/** Where it begins; a failure names the one that repeats it. */
const firstSeed = Number(process.env.CIRCUIT_FUZZ_SEED ?? Date.now() % 2 ** 31);

/** A conversation that went wrong. What is made from a seed depends on what was kept before it, so the bytes are kept too. */
interface Kept extends Pick<Recording, 'role' | 'seed' | 'proves'> {
  readonly reads: readonly string[];
}

function keep({ role, seed, proves }: Recording, reads: readonly Uint8Array[], from: number): string {
  const kept: Kept = { role, seed, proves, reads: reads.map(hex) };
  const path = join(mkdtempSync(join(tmpdir(), 'circuit-fuzz-')), 'case.json');
  writeFileSync(path, JSON.stringify(kept));
  return `the same again: CIRCUIT_FUZZ_CASE=${path} (from CIRCUIT_FUZZ_SEED=${from})`;
}

const seeds = [1, 2, 3, 4, 5, 6];

test('recorded conversations are taken as they are', async () => {
  for (const recording of await record(seeds)) expect(await tryReads(recording, [recording.bytes])).toBe(undefined);
});

test.skipIf(process.env.CIRCUIT_FUZZ_CASE === undefined)('the conversation that was kept', async () => {
  const { reads, ...recording } = JSON.parse(readFileSync(process.env.CIRCUIT_FUZZ_CASE ?? '', 'utf8')) as Kept;
  expect(await tryReads(recording, reads.map(unhex))).toBe(undefined);
});

test(
  'changed conversations end with a reason, harm no other session and leave nothing',
  async () => {
    const corpus = await record(seeds);
    const recorded = corpus.length;
    const coverage = new Coverage();
    const [near, far] = memoryPair();
    const others = [new ChannelSession(near, 'dialler'), new ChannelSession(far, 'listener')] as const;
    const witness = others[0].open();
    const { receiver } = await others[1].accept();
    const end = performance.now() + fuzzMs;
    let trials = 0;
    let batch: Recording[] = [];
    try {
      for (; performance.now() < end; trials++) {
        const random = seededRandom(firstSeed + trials);
        const one = corpus[randomInt(random, corpus.length)] as (typeof corpus)[number];
        const two = corpus[randomInt(random, corpus.length)] as (typeof corpus)[number];
        const mutator = new Mutator(random);
        const bytes = mutator.mutate(one.bytes, two.bytes);
        const reads = mutator.reads(bytes);
        const fault = await tryReads(one, reads);
        if (fault !== undefined) throw new Error(`${fault}\n${keep(one, reads, firstSeed)}`);
        if (trials % 100 === 0) {
          await witness.send(trials);
          expect(await receiver.receive()).toMatchObject({ value: trials });
        }
        // Asking costs as much as ten trials, so all of a batch in which something new ran are kept.
        batch.push({ ...one, bytes });
        if (batch.length < 20) continue;
        if (coverage.grew()) corpus.push(...batch);
        batch = [];
      }
      console.log(
        `fuzz: ${trials} conversations from seed ${firstSeed}, ${coverage.blocks} blocks, ${corpus.length - recorded} kept`,
      );
    } finally {
      coverage.stop();
      await Promise.all(others.map((session) => session.close()));
    }
  },
  fuzzMs + 60_000,
);
