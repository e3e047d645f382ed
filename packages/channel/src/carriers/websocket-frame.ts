/** Who dialled is the client: it masks what it sends. */
export type WebSocketSide = 'client' | 'server';

/** The parts of a frame's first two bytes (RFC 6455, 5.2). */
export const finBit = 0x80;
export const reservedBits = 0x70;
export const opcodeBits = 0x0f;
export const maskBit = 0x80;
export const lengthBits = 0x7f;

export const opcode = { continuation: 0, binary: 2, leastControl: 8, close: 8 } as const;

/** Lengths of 7 bits that say how the real one is written. */
export const length16 = 126;
export const length64 = 127;

/** The longest header: two bytes, a length of 64 bits, a mask. */
export const maxHeaderBytes = 14;

/** How long the header is that begins with these two bytes. */
export function headerBytesOf(second: number): number {
  const length = second & lengthBits;
  return 2 + (length === length64 ? 8 : length === length16 ? 2 : 0) + ((second & maskBit) === 0 ? 0 : 4);
}

/** The length that a whole header states; inexact beyond 2⁵³. */
export function payloadBytesOf(header: Uint8Array): number {
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  const length = view.getUint8(1) & lengthBits;
  if (length === length16) return view.getUint16(2);
  return length === length64 ? view.getUint32(2) * 2 ** 32 + view.getUint32(6) : length;
}

/** Writes the header of a whole binary message to the start of `target`; answers with its length. The mask is left to the caller. */
export function writeHeader(target: Uint8Array, payloadBytes: number, masked: boolean): number {
  const view = new DataView(target.buffer, target.byteOffset, target.byteLength);
  const mask = masked ? maskBit : 0;
  view.setUint8(0, finBit | opcode.binary);
  if (payloadBytes < length16) view.setUint8(1, mask | payloadBytes);
  else if (payloadBytes < 65_536) {
    view.setUint8(1, mask | length16);
    view.setUint16(2, payloadBytes);
  } else {
    view.setUint8(1, mask | length64);
    view.setUint32(2, 0);
    view.setUint32(6, payloadBytes);
  }
  return headerBytesOf(view.getUint8(1));
}
