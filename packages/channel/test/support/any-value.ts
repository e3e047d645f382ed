import fc from 'fast-check';

/** Text of any code units, halves of surrogate pairs among them. */
const anyUnits = fc
  .uint16Array({ minLength: 0, maxLength: 400, size: 'max' })
  .map((units) => String.fromCharCode(...units));

/** Everything that a message can be, ends and streams aside. */
export const anyValue: fc.Arbitrary<unknown> = fc.anything({
  // No invalid dates: Node's comparison does not find them in sets. The table of values has one.
  values: [
    fc.boolean(),
    fc.maxSafeInteger(),
    fc.double(),
    fc.string({ unit: 'grapheme' }),
    anyUnits,
    fc.constantFrom(null, undefined),
    fc.date({ noInvalidDate: true }),
    fc.uint8Array({ maxLength: 3000 }),
  ],
  withBigInt: true,
  withMap: true,
  withSet: true,
  withTypedArray: true,
  withSparseArray: false,
  withNullPrototype: false,
  withObjectString: true,
  stringUnit: 'grapheme',
  maxDepth: 4,
  key: fc.oneof(fc.string(), anyUnits, fc.constantFrom('$', '$$', '$x', '__proto__', 'constructor', '0')),
});
