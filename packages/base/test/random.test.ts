import { randomInt, seededRandom, systemRandom } from '@circuit/base';
import fc from 'fast-check';
import { expect, test } from 'vitest';

function draw(seed: number, count: number): number[] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, () => random.next());
}

test('the same seed gives the same numbers, another seed others', () => {
  expect(draw(7, 100)).toEqual(draw(7, 100));
  expect(draw(7, 100)).not.toEqual(draw(8, 100));
});

test('a seed goes on meaning what it means: recorded seeds stay repeatable', () => {
  expect(draw(1, 3)).toEqual([0.6270739405881613, 0.002735721180215478, 0.5274470399599522]);
});

test('numbers lie in [0, 1), integers below their bound', () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 1, max: 2 ** 31 }), (seed, bound) => {
      const random = seededRandom(seed);
      const number = random.next();
      expect(number >= 0 && number < 1).toBe(true);
      const whole = randomInt(random, bound);
      expect(Number.isInteger(whole) && whole >= 0 && whole < bound).toBe(true);
    }),
  );
});

test('all values of a small range occur about equally often', () => {
  const random = seededRandom(42);
  const counts = new Array<number>(10).fill(0);
  for (let i = 0; i < 10_000; i++) {
    const value = randomInt(random, 10);
    counts[value] = (counts[value] ?? 0) + 1;
  }
  // Six standard deviations of a binomial (10,000 draws at 1/10) around 1,000.
  for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(180);
});

test('the generator of the platform stays in its range', () => {
  for (let i = 0; i < 100; i++) expect(randomInt(systemRandom, 3)).toBeLessThan(3);
});
