/** What a {@link Tagged} stands for; normative numbers, see docs/protocol.md. */
export const tag = {
  reference: 0,
  undefined: 1,
  /** −0; the body is ignored. */
  negativeZero: 2,
  /** The body is the decimal text. */
  bigint: 3,
  /** The body is the number of milliseconds since the epoch; NaN for an invalid date. */
  date: 4,
  /** The body is a list of alternating keys and values. */
  map: 5,
  /** The body is the list of members. */
  set: 6,
  /** The body is `[name, message, stack-less fields]`. */
  error: 7,
  /** The body is `[type name, bytes in little-endian order]`. */
  typedArray: 8,
  /** An object that has a key named `__proto__`, or one that is no Unicode; the body is a list of alternating keys and values. */
  entries: 9,
  /** An open file, pipe or socket; the body is the reference of what carries it. */
  descriptor: 10,
  /** Text with half a surrogate pair in it; the body is its UTF-16 code units in little-endian order. */
  text: 11,
} as const;

export const lastTag = 11;

/** The most digits of a bigint in a message: reading decimal text takes more than linear time. */
export const maxBigintDigits = 4096;
