/** Unsigned LEB128 up to 2^53 − 1, at most eight bytes. */

/** The largest number of bytes a varint takes. */
export const maxVarintBytes = 8;

/** How many bytes `value` takes. */
export function varintLength(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x20_0000) return 3;
  if (value < 0x1000_0000) return 4;
  let length = 4;
  for (let rest = Math.floor(value / 0x1000_0000); rest > 0; rest = Math.floor(rest / 0x80)) length++;
  return length;
}

/** Writes `value` at `offset`; returns the offset behind it. */
export function writeVarint(target: Uint8Array, offset: number, value: number): number {
  let rest = value;
  let at = offset;
  while (rest >= 0x1000_0000) {
    target[at++] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  while (rest >= 0x80) {
    target[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  target[at++] = rest;
  return at;
}

const none: Uint8Array = new Uint8Array(0);

/** A reader over bytes from outside: it never throws, `ok()` turns false at the first thing that does not fit. */
export class ByteCursor {
  offset = 0;
  #bytes = none;
  /** Where `#bytes` lie: to ask them costs as much as to make a view. */
  #memory: ArrayBufferLike = none.buffer;
  #base = 0;
  #end = 0;
  #ok = true;

  constructor(bytes: Uint8Array, offset: number, end: number) {
    this.reset(bytes, offset, end);
  }

  /** Reads something else from here on, as a new one would. */
  reset(bytes: Uint8Array, offset: number, end: number): void {
    if (bytes !== this.#bytes) {
      this.#bytes = bytes;
      this.#memory = bytes.buffer;
      this.#base = bytes.byteOffset;
    }
    this.offset = offset;
    this.#end = end;
    this.#ok = true;
  }

  /** Where what may be read ends. */
  get end(): number {
    return this.#end;
  }

  /** Whether everything read so far was there and well formed. */
  ok(): boolean {
    return this.#ok;
  }

  /** One byte, or 0 with `ok()` false. */
  byte(): number {
    if (this.offset >= this.#end) {
      this.#ok = false;
      return 0;
    }
    return this.#bytes[this.offset++] as number;
  }

  /** A varint, or 0 with `ok()` false: cut off, longer than eight bytes, beyond 2^53 − 1 or padded with zero groups. */
  varint(): number {
    const first = this.byte();
    if (first < 0x80) return first;
    let value = first & 0x7f;
    let scale = 0x80;
    for (let count = 1; count < maxVarintBytes; count++) {
      const next = this.byte();
      value += (next & 0x7f) * scale;
      if (next < 0x80) {
        if (next === 0 || value > Number.MAX_SAFE_INTEGER) this.#ok = false;
        return this.ok() ? value : 0;
      }
      scale *= 0x80;
    }
    this.#ok = false;
    return 0;
  }

  /** `length` bytes as a view, or none with `ok()` false. */
  take(length: number): Uint8Array {
    if (length > this.#end - this.offset) {
      this.#ok = false;
      return none;
    }
    this.offset += length;
    return new Uint8Array(this.#memory, this.#base + this.offset - length, length);
  }

  /** A string of at most `maxBytes` bytes of UTF-8 behind its length; malformed UTF-8 turns `ok()` false. */
  text(maxBytes: number): string {
    const length = this.varint();
    if (length > maxBytes) this.#ok = false;
    if (!this.ok()) return '';
    const bytes = this.take(length);
    if (!this.ok()) return '';
    try {
      return strictDecoder.decode(bytes);
    } catch {
      this.#ok = false;
      return '';
    }
  }

  /** What is left, as a view. */
  rest(): Uint8Array {
    return this.take(this.#end - this.offset);
  }
}

const strictDecoder = new TextDecoder('utf-8', { fatal: true });
