/** What a {@link Tagged} stands for, to be imported as `tag`; normative numbers, see docs/protocol.md. */

export const reference = 0;
/** The body is ignored. */
const ofUndefined = 1;
export { ofUndefined as undefined };
/** −0; the body is ignored. */
export const negativeZero = 2;
/** The body is the decimal text. */
export const bigint = 3;
/** The body is the number of milliseconds since the epoch; NaN for an invalid date. */
export const date = 4;
/** The body is a list of alternating keys and values. */
export const map = 5;
/** The body is the list of members. */
export const set = 6;
/** The body is `[name, message, stack-less fields]`. */
export const error = 7;
/** The body is `[type name, bytes in little-endian order]`. */
export const typedArray = 8;
/** An object that has a key named `__proto__`, or one that is no Unicode; the body is a list of alternating keys and values. */
export const entries = 9;
/** An open file, pipe or socket; the body is the reference of what carries it. */
export const descriptor = 10;
/** Text with half a surrogate pair in it; the body is its UTF-16 code units in little-endian order. */
export const text = 11;
