import fc from 'fast-check';

const batch = 10;

/** Tries `property` for `ms`, and however slow the machine is once. A failure tells its seed, from `CIRCUIT_FUZZ_SEED` if that is set. */
export async function fuzzFor<T extends [unknown, ...unknown[]]>(
  ms: number,
  property: fc.IAsyncPropertyWithHooks<T>,
): Promise<void> {
  const end = performance.now() + ms;
  const seed = Number(process.env.CIRCUIT_FUZZ_SEED ?? Date.now() % 2 ** 31);
  for (let round = 0; round === 0 || performance.now() < end; round++) {
    await fc.assert(property, { numRuns: batch, seed: seed + round });
  }
}
