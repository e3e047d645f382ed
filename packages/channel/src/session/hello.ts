import { maxCodecNameBytes, magic, protocolVersion } from '../wire/frame.js';
import { type ByteCursor, varintLength, writeVarint } from '../wire/varint.js';
import { minWindowBytes, type SessionLimits } from './limits.js';

/** What each side says first. */
export interface Hello {
  readonly limits: SessionLimits;
  readonly codecs: readonly string[];
}

const encoder = new TextEncoder();
const maxCodecs = 32;

/** The payload of a HELLO. */
export function encodeHello({ limits, codecs }: Hello): Uint8Array {
  const numbers = [
    protocolVersion,
    limits.maxChannels,
    limits.maxMessageBytes,
    limits.windowBytes,
    limits.streamWindowBytes,
    codecs.length,
  ];
  const names = codecs.map((name) => encoder.encode(name));
  const length =
    magic.length +
    numbers.reduce((sum, number) => sum + varintLength(number), 0) +
    names.reduce((sum, name) => sum + varintLength(name.length) + name.length, 0);
  const bytes = new Uint8Array(length);
  bytes.set(magic);
  let at = magic.length;
  for (const number of numbers) at = writeVarint(bytes, at, number);
  for (const name of names) {
    at = writeVarint(bytes, at, name.length);
    bytes.set(name, at);
    at += name.length;
  }
  return bytes;
}

/** Reads a HELLO's payload; a string is the reason why it cannot be accepted. Bytes behind what is known are ignored. */
export function decodeHello(payload: ByteCursor, own: SessionLimits): Hello | string {
  const start = payload.take(magic.length);
  if (!payload.ok() || !magic.every((byte, i) => start[i] === byte)) return 'HELLO: not a circuit channel session';
  const version = payload.varint();
  if (!payload.ok() || version !== protocolVersion) {
    return `HELLO: protocol version ${version}, this side speaks ${protocolVersion}`;
  }
  const [maxChannels, maxMessageBytes, windowBytes, streamWindowBytes, count] = [
    payload.varint(),
    payload.varint(),
    payload.varint(),
    payload.varint(),
    payload.varint(),
  ] as const;
  if (!payload.ok() || count > maxCodecs) return 'HELLO: malformed';
  const codecs: string[] = [];
  for (let i = 0; i < count; i++) codecs.push(payload.text(maxCodecNameBytes));
  if (!payload.ok() || maxChannels < 1 || maxMessageBytes < 1) return 'HELLO: malformed';
  if (windowBytes < minWindowBytes || streamWindowBytes < minWindowBytes) {
    return `HELLO: windows of ${windowBytes} and ${streamWindowBytes} bytes, at least ${minWindowBytes} are needed`;
  }
  return { limits: { ...own, maxChannels, maxMessageBytes, windowBytes, streamWindowBytes }, codecs };
}
