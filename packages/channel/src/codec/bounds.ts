/** What one message may hold, in both codecs that are always there: what it takes when it is decoded is bounded by it. */
export const maxDepth = 512;
/** Lists, maps and values beyond plain data; the dearest of them, an empty `Map`, takes 200 bytes. */
export const maxParts = 1_048_576;

/** The most digits of a bigint: reading decimal text takes more than linear time. */
export const maxBigintDigits = 4096;

export const tooDeep: string = `nested deeper than ${maxDepth}`;
export const tooMany: string = `more than ${maxParts} lists, objects and other values in one message`;
