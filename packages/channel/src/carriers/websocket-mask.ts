/** Below this the byte loop is cheaper than a view of words. */
const leastWordBytes = 64;
const wordBytes = 4;

/**
 * Applies the mask of RFC 6455, 5.3 to `bytes`, in place; `phase` is the offset in the frame's payload at which they begin. By words: `ws`
 * does it byte by byte unless the native `bufferutil` is installed, which costs more than all else that is done for a byte.
 */
export function applyMask(bytes: Uint8Array, mask: Uint8Array, phase: number): void {
  const { length } = bytes;
  if (length < leastWordBytes) {
    maskBytes(bytes, mask, phase, 0, length);
    return;
  }
  const from = -bytes.byteOffset & (wordBytes - 1);
  const count = (length - from) >>> 2;
  maskBytes(bytes, mask, phase, 0, from);
  const words = new Int32Array(bytes.buffer, bytes.byteOffset + from, count);
  maskWords(words, wordAt(mask, phase + from));
  maskBytes(bytes, mask, phase, from + count * wordBytes, length);
}

function maskBytes(bytes: Uint8Array, mask: Uint8Array, phase: number, from: number, to: number): void {
  for (let i = from; i < to; i++) bytes[i] = (bytes[i] as number) ^ (mask[(phase + i) & 3] as number);
}

/** Four at a time, which is twice as fast as one. */
function maskWords(words: Int32Array, mask: number): void {
  const { length } = words;
  let i = 0;
  for (; i + 3 < length; i += 4) {
    words[i] = (words[i] as number) ^ mask;
    words[i + 1] = (words[i + 1] as number) ^ mask;
    words[i + 2] = (words[i + 2] as number) ^ mask;
    words[i + 3] = (words[i + 3] as number) ^ mask;
  }
  for (; i < length; i++) words[i] = (words[i] as number) ^ mask;
}

/** The mask from `phase` on as a word of this machine. */
function wordAt(mask: Uint8Array, phase: number): number {
  const bytes = new Uint8Array(wordBytes);
  for (let i = 0; i < wordBytes; i++) bytes[i] = mask[(phase + i) & 3] as number;
  return new Int32Array(bytes.buffer)[0] as number;
}
