import fc from 'fast-check';

/** Names an anchor can have, drawn from few letters so that they often meet. */
export const segments: fc.Arbitrary<string> = fc
  .string({ unit: fc.constantFrom('a', 'b', '.', 'ä', '-', ' ', '😀'), minLength: 1, maxLength: 5 })
  .filter((name) => !/^\.{1,3}$/.test(name));

const serverIds: fc.Arbitrary<string> = fc
  .string({ unit: fc.constantFrom('0', '1', 'a', 'f'), minLength: 1, maxLength: 4 })
  .map((hex) => `X${hex}`);

/** Canonical paths below a server. */
export const anchorPaths: fc.Arbitrary<string> = fc
  .tuple(serverIds, fc.array(segments, { maxLength: 4 }))
  .map(([id, names]) => `/${[id, ...names].join('/')}`);
