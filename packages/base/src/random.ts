/** Randomness as a parameter. Not for secrets: keys and nonces come from the platform's CSPRNG. */
export interface Random {
  /** A number in [0, 1). */
  next(): number;
}

/** The platform's own generator. */
export const systemRandom: Random = { next: () => Math.random() };

/** A repeatable generator (mulberry32, Tommy Ettinger 2017, public domain): the same seed gives the same numbers. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return {
    next() {
      state = (state + 0x6d2b79f5) >>> 0;
      let t = state;
      t = Math.imul(t ^ (t >>> 15), t | 1);
      t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
      return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
    },
  };
}

/** A whole number in [0, bound). `bound` must be a positive integer. */
export function randomInt(random: Random, bound: number): number {
  return Math.floor(random.next() * bound);
}
