import { maxDepth, maxParts, tooDeep, tooMany } from './bounds.js';

/**
 * Walks over `bytes` without making values of them and answers why they cannot be decoded safely: cut short, nested too
 * deep, or of too many parts. What passes holds as many elements as it claims, so that decoding takes memory in proportion to
 * its length.
 */
export function checkMessagePack(bytes: Uint8Array): string | undefined {
  return new Walk(bytes).fault(0, bytes.length, 0);
}

class Walk {
  readonly #bytes: Uint8Array;
  #parts = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** What is wrong with the value that begins at `at` and ends in front of `end`, `depth` levels down. */
  fault(at: number, end: number, depth: number): string | undefined {
    const bytes = this.#bytes;
    const open: number[] = [];
    let left = 1;
    for (;;) {
      while (left === 0) {
        const outer = open.pop();
        if (outer === undefined) return undefined;
        left = outer;
      }
      left--;
      if (at >= end) return 'cut short';
      const head = bytes[at++] as number;
      if (head < 0x80 || head >= 0xe0) continue;
      const elements = elementsOf(bytes, at, head);
      if (elements < 0) {
        const next = at + dataBytes(bytes, at, head);
        if (next > end) return 'cut short';
        const body = extensionBody(at, head);
        const fault = body === undefined ? undefined : this.#extension(body, next, depth + open.length + 1);
        if (fault !== undefined) return fault;
        at = next;
        continue;
      }
      if (++this.#parts > maxParts) return tooMany;
      at += lengthBytes(head);
      if (elements > end - at) return `a list or map of ${elements} parts with ${Math.max(0, end - at)} bytes left`;
      if (elements === 0) continue;
      if (depth + open.length >= maxDepth) return tooDeep;
      open.push(left);
      left = elements;
    }
  }

  /** The data of an extension is a body itself. */
  #extension(at: number, end: number, depth: number): string | undefined {
    if (++this.#parts > maxParts) return tooMany;
    return depth > maxDepth ? tooDeep : this.fault(at, end, depth);
  }
}

/** Where the data of the extension that `head` begins stands; `undefined` for anything else. */
function extensionBody(at: number, head: number): number | undefined {
  if (head >= 0xd4 && head <= 0xd8) return at + 1;
  return head >= 0xc7 && head <= 0xc9 ? at + 1 + 2 ** (head - 0xc7) : undefined;
}

/** How many values stand in the list or map that `head` begins; −1 for anything else. */
function elementsOf(bytes: Uint8Array, at: number, head: number): number {
  if (head < 0x90) return (head & 0x0f) * 2;
  if (head < 0xa0) return head & 0x0f;
  if (head === 0xdc) return number(bytes, at, 2);
  if (head === 0xdd) return number(bytes, at, 4);
  if (head === 0xde) return number(bytes, at, 2) * 2;
  if (head === 0xdf) return number(bytes, at, 4) * 2;
  return -1;
}

function lengthBytes(head: number): number {
  if (head < 0xa0) return 0;
  return head === 0xdc || head === 0xde ? 2 : 4;
}

/** How many bytes follow `head` in a value that is no list and no map. */
function dataBytes(bytes: Uint8Array, at: number, head: number): number {
  if (head < 0xc0) return head & 0x1f;
  switch (head) {
    case 0xc4:
    case 0xd9:
      return 1 + number(bytes, at, 1);
    case 0xc5:
    case 0xda:
      return 2 + number(bytes, at, 2);
    case 0xc6:
    case 0xdb:
      return 4 + number(bytes, at, 4);
    case 0xc7:
      return 2 + number(bytes, at, 1);
    case 0xc8:
      return 3 + number(bytes, at, 2);
    case 0xc9:
      return 5 + number(bytes, at, 4);
    case 0xca:
    case 0xce:
    case 0xd2:
      return 4;
    case 0xcb:
    case 0xcf:
    case 0xd3:
      return 8;
    case 0xcc:
    case 0xd0:
      return 1;
    case 0xcd:
    case 0xd1:
      return 2;
    case 0xd4:
    case 0xd5:
    case 0xd6:
    case 0xd7:
    case 0xd8:
      return 1 + 2 ** (head - 0xd4);
    default:
      return 0;
  }
}

function number(bytes: Uint8Array, at: number, length: number): number {
  let value = 0;
  for (let i = 0; i < length; i++) value = value * 256 + (bytes[at + i] ?? 0);
  return value;
}
