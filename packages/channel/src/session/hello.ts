import { maxCodecNameBytes, magic, protocolVersion } from '../wire/frame.js';
import { type ByteCursor, varintLength, writeVarint } from '../wire/varint.js';
import { nonceBytes } from './auth-mac.js';
import { maxIdentityBytes } from './auth-options.js';
import { minWindowBytes, type SessionLimits } from './limits.js';

/** What each side says first. */
export interface Hello {
  readonly limits: SessionLimits;
  readonly codecs: readonly string[];
  /** The side wants to authenticate (docs/protocol.md, section 13). */
  readonly auth?: AuthHello | undefined;
  /** The side hands descriptors over; its token (section 15). */
  readonly lane?: Uint8Array | undefined;
}

/** What a side that authenticates says of it. Of another scheme than ours only the number is known. */
export interface AuthHello {
  readonly scheme: number;
  /** The carrier has a TLS exporter at this side's end. */
  readonly bind: boolean;
  readonly nonce: Uint8Array;
  /** Names the key; empty from a listener. */
  readonly identity: string;
}

/** HMAC-SHA-256 over both HELLOs. */
export const authScheme = 1;
const bindFlag = 0x01;

const laneVersion = 1;
const laneTokenBytes = 16;

const encoder = new TextEncoder();
const maxCodecs = 32;

/** The payload of a HELLO. */
export function encodeHello({ limits, codecs, auth, lane }: Hello): Uint8Array {
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
  const tail = [
    ...(auth === undefined ? none : encodeAuth(auth)),
    ...(lane === undefined ? none : encodeLane(auth, lane)),
  ];
  const bytes = new Uint8Array(length + tail.length);
  bytes.set(magic);
  let at = magic.length;
  for (const number of numbers) at = writeVarint(bytes, at, number);
  for (const name of names) {
    at = writeVarint(bytes, at, name.length);
    bytes.set(name, at);
    at += name.length;
  }
  bytes.set(tail, at);
  return bytes;
}

function encodeAuth({ scheme, bind, nonce, identity }: AuthHello): Uint8Array {
  const name = encoder.encode(identity);
  const bytes = new Uint8Array(varintLength(scheme) + 1 + nonce.length + varintLength(name.length) + name.length);
  let at = writeVarint(bytes, 0, scheme);
  bytes[at++] = bind ? bindFlag : 0;
  bytes.set(nonce, at);
  at = writeVarint(bytes, at + nonce.length, name.length);
  bytes.set(name, at);
  return bytes;
}

/** Behind the scheme of authentication, which is 0 then if there is none. */
function encodeLane(auth: AuthHello | undefined, token: Uint8Array): number[] {
  return [...(auth === undefined ? [0] : []), laneVersion, ...token];
}

/** The token of a lane, behind the authentication's fields if they are known. */
function decodeLane(payload: ByteCursor, auth: AuthHello | undefined): Uint8Array | undefined {
  if (payload.offset === payload.end || (auth !== undefined && auth.scheme !== authScheme)) return undefined;
  return payload.varint() === laneVersion ? payload.take(laneTokenBytes) : undefined;
}

/** The authentication's fields behind the codecs; nothing there means none. */
function decodeAuth(payload: ByteCursor): AuthHello | undefined {
  if (payload.offset === payload.end) return undefined;
  const scheme = payload.varint();
  if (!payload.ok() || scheme === 0) return undefined;
  if (scheme !== authScheme) return { scheme, bind: false, nonce: none, identity: '' };
  const bind = (payload.byte() & bindFlag) !== 0;
  return { scheme, bind, nonce: payload.take(nonceBytes), identity: payload.text(maxIdentityBytes) };
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
  const auth = decodeAuth(payload);
  const lane = decodeLane(payload, auth);
  if (!payload.ok()) return 'HELLO: malformed';
  const limits = { ...own, maxChannels, maxMessageBytes, windowBytes, streamWindowBytes };
  return { limits, codecs, ...(auth === undefined ? {} : { auth }), ...(lane === undefined ? {} : { lane }) };
}

const none = new Uint8Array(0);
