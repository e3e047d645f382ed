import { ByteCursor, varintLength, writeVarint } from '../wire/varint.js';
import { view } from '../wire/view.js';

/** Segments: `type u8 | length u24 big-endian | payload`. See docs/protocol.md, section 12. */
const segmentType = { bytes: 0x20, received: 0x21, end: 0x22, gone: 0x23 } as const;

const headerBytes = 4;
const maxSegmentBytes = 0xff_ffff;
const maxGoneBytes = 1024;
/** Up to here header and payload go out as one piece: a copy is cheaper than a write of two. */
const joinBytes = 4096;

/** What a reader of segments makes of them; a string is the reason why the segment does not fit. */
export interface SegmentSink {
  /** A view into what arrived. */
  bytes(piece: Uint8Array): string | undefined;
  received(count: number): string | undefined;
  end(): string | undefined;
  gone(reason: string): void;
}

/** Reads the segments of one connection, cut anywhere. Never throws. */
export class SegmentReader {
  readonly #sink: SegmentSink;
  readonly #header = new Uint8Array(headerBytes);
  #headerAt = 0;
  #type = 0;
  #left = 0;
  /** Payload of a segment other than BYTES. */
  #control: Uint8Array | undefined;

  constructor(sink: SegmentSink) {
    this.#sink = sink;
  }

  /** The reason why the bytes cannot be, if so. */
  receive(chunk: Uint8Array): string | undefined {
    let at = 0;
    while (at < chunk.length) {
      if (this.#left === 0 && this.#control === undefined) {
        this.#header[this.#headerAt++] = chunk[at++] as number;
        if (this.#headerAt < headerBytes) continue;
        this.#headerAt = 0;
        const fault = this.#begin();
        if (fault !== undefined) return fault;
        continue;
      }
      const piece = view(chunk, at, Math.min(at + this.#left, chunk.length));
      at += piece.length;
      const fault = this.#payload(piece);
      if (fault !== undefined) return fault;
    }
    return undefined;
  }

  #begin(): string | undefined {
    const [type = 0, high = 0, middle = 0, low = 0] = this.#header;
    const length = (high << 16) | (middle << 8) | low;
    this.#type = type;
    switch (type) {
      case segmentType.bytes:
        this.#left = length;
        return undefined;
      case segmentType.end:
        return length === 0 ? this.#sink.end() : `END of ${length} bytes`;
      case segmentType.received:
      case segmentType.gone:
        if (length > maxGoneBytes + 2) return `segment type ${type} of ${length} bytes`;
        this.#left = length;
        this.#control = new Uint8Array(length);
        return length === 0 ? this.#whole(this.#control) : undefined;
      default:
        return `unknown segment type ${type}`;
    }
  }

  #payload(piece: Uint8Array): string | undefined {
    const control = this.#control;
    if (control === undefined) {
      this.#left -= piece.length;
      return this.#sink.bytes(piece);
    }
    control.set(piece, control.length - this.#left);
    this.#left -= piece.length;
    return this.#left === 0 ? this.#whole(control) : undefined;
  }

  #whole(control: Uint8Array): string | undefined {
    this.#control = undefined;
    const cursor = new ByteCursor(control, 0, control.length);
    if (this.#type === segmentType.received) {
      const count = cursor.varint();
      return cursor.ok() && cursor.offset === control.length ? this.#sink.received(count) : 'malformed RECEIVED';
    }
    const reason = cursor.text(maxGoneBytes);
    if (!cursor.ok()) return 'malformed GONE';
    this.#sink.gone(reason);
    return undefined;
  }
}

/** `pieces` as BYTES segments; each piece is shorter than a segment may be. */
export function bytesSegments(pieces: readonly Uint8Array[]): Uint8Array[] {
  const segments: Uint8Array[] = [];
  for (let from = 0; from < pieces.length; ) {
    let bytes = 0;
    let to = from;
    for (let next = pieces[to]; next !== undefined && bytes + next.length <= maxSegmentBytes; next = pieces[++to]) {
      bytes += next.length;
    }
    const group = pieces.slice(from, to);
    if (bytes <= joinBytes) segments.push(joined(group, bytes));
    else segments.push(header(segmentType.bytes, bytes), ...group);
    from = to;
  }
  return segments;
}

export function receivedSegment(count: number): Uint8Array {
  const length = varintLength(count);
  const segment = header(segmentType.received, length, length);
  writeVarint(segment, headerBytes, count);
  return segment;
}

export function endSegment(): Uint8Array {
  return header(segmentType.end, 0);
}

export function goneSegment(reason: string): Uint8Array {
  // At most three bytes of UTF-8 for each unit of a text, so that the bound holds without a search for the cut.
  const text = new TextEncoder().encode(reason.slice(0, maxGoneBytes / 4));
  const front = varintLength(text.length);
  const segment = header(segmentType.gone, front + text.length, front + text.length);
  segment.set(text, writeVarint(segment, headerBytes, text.length));
  return segment;
}

function header(type: number, length: number, room = 0): Uint8Array {
  const bytes = new Uint8Array(headerBytes + room);
  bytes[0] = type;
  bytes[1] = length >>> 16;
  bytes[2] = length >>> 8;
  bytes[3] = length;
  return bytes;
}

function joined(pieces: readonly Uint8Array[], bytes: number): Uint8Array {
  const segment = header(segmentType.bytes, bytes, bytes);
  let at = headerBytes;
  for (const piece of pieces) {
    segment.set(piece, at);
    at += piece.length;
  }
  return segment;
}
