import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';

/** Tries `property` for `ms`, and however slow the machine is once. A failure tells its seed, from `CIRCUIT_FUZZ_SEED` if that is set. */
export async function fuzzFor<T extends [unknown, ...unknown[]]>(
  ms: number,
  property: fc.IRawProperty<T>,
): Promise<void> {
  const end = performance.now() + ms;
  const seed = Number(process.env.CIRCUIT_FUZZ_SEED ?? Date.now() % 2 ** 31);
  for (let round = 0; round === 0 || performance.now() < end; round++) {
    // Larger and larger: fast-check turns from edge values to others the longer it runs.
    await fc.assert(property, { numRuns: Math.min(1000, 10 * 2 ** round), seed: seed + round });
    // Whoever runs the tests hears nothing from a process that is busy for minutes, and gives it up.
    await turn();
  }
}
