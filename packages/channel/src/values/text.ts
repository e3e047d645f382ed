import { Tagged } from '../codec/codec.js';
import * as tag from '../codec/tag.js';

/** ES2024; every runtime that the package supports has it. */
interface UnicodeText {
  isWellFormed(): boolean;
}

/** How much becomes text in one step. */
const stepBytes = 8192;

/** Whether `text` has a form in UTF-8: half a surrogate pair, as a cut leaves it, has none. */
export function isUnicode(text: string): boolean {
  return (text as unknown as UnicodeText).isWellFormed();
}

/** Text that is no Unicode travels as its UTF-16 code units; encoders would put U+FFFD in place of what they cannot say. */
export function lowerText(text: string): string | Tagged {
  if (isUnicode(text)) return text;
  const byte = (_: unknown, i: number): number => text.charCodeAt(i >>> 1) >>> (8 * (i & 1));
  return new Tagged(tag.text, Uint8Array.from({ length: 2 * text.length }, byte));
}

/** The text of its code units; `undefined` if the bytes are none. */
export function reviveText(bytes: unknown): string | undefined {
  if (!(bytes instanceof Uint8Array) || bytes.length % 2 !== 0) return undefined;
  let text = '';
  // Many at a time: a text that is put together of single characters takes 32 bytes for each.
  for (let at = 0; at < bytes.length; at += stepBytes)
    text += String.fromCharCode(...new Uint16Array(new Uint8Array(bytes.subarray(at, at + stepBytes)).buffer));
  return text;
}
