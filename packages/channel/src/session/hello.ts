import { magic, maxCodecNameBytes, protocolVersion } from '../wire/frame.js';
import { partsLength, writeParts } from '../wire/parts.js';
import { type ByteCursor, maxVarintBytes, writeVarint } from '../wire/varint.js';
import { encodeTail, type HelloTail, readTail } from './hello-tail.js';
import { minWindowBytes, type SessionLimits } from './limits.js';

/** What each side says first. */
export interface Hello<Auth = AuthHello> extends HelloTail {
  readonly limits: SessionLimits;
  readonly codecs: readonly string[];
  /** The side wants to authenticate (docs/protocol.md, section 13). */
  readonly auth?: Auth | undefined;
}

/** What a side that authenticates says of it. Of a scheme that nobody here can read only the number is known. */
export interface AuthHello {
  readonly scheme: number;
  /** The carrier has a TLS exporter at this side's end. */
  readonly bind: boolean;
  readonly nonce: Uint8Array;
  /** Names the key; empty from a listener. */
  readonly identity: string;
}

/** Reads the fields of a scheme behind its number; `undefined` for a scheme of others. */
export type ReadAuth = (payload: ByteCursor, scheme: number) => AuthHello | undefined;

const encoder = new TextEncoder();
const maxCodecs = 32;

/** The payload of a HELLO; what it says of authentication is encoded already. */
export function encodeHello(hello: Hello<Uint8Array>): Uint8Array {
  const { limits, codecs, auth } = hello;
  const { maxChannels, maxMessageBytes, windowBytes, streamWindowBytes } = limits;
  const head = new Uint8Array(magic.length + 6 * maxVarintBytes);
  head.set(magic);
  let at = magic.length;
  for (const number of [protocolVersion, maxChannels, maxMessageBytes, windowBytes, streamWindowBytes, codecs.length]) {
    at = writeVarint(head, at, number);
  }
  const names = codecs.map((name) => encoder.encode(name));
  const rest = encodeTail(hello);
  // What follows stands behind the scheme of authentication, which is 0 then if there is none.
  const tail = [...(auth ?? (rest.length > 0 ? [0] : [])), ...rest];
  const bytes = new Uint8Array(at + partsLength(names) + tail.length);
  bytes.set(head.subarray(0, at));
  bytes.set(tail, writeParts(bytes, at, names));
  return bytes;
}

/**
 * Reads a HELLO's payload; a string is the reason why it cannot be accepted. Bytes behind what is known are ignored: without
 * `readAuth` those behind the scheme of authentication.
 */
export function decodeHello(payload: ByteCursor, own: SessionLimits, readAuth?: ReadAuth): Hello | string {
  const start = payload.take(magic.length);
  if (!payload.ok() || !magic.every((byte, i) => start[i] === byte)) return 'HELLO: not a circuit channel session';
  const version = payload.varint();
  if (!payload.ok() || version !== protocolVersion) {
    return `HELLO: protocol version ${version}, this side speaks ${protocolVersion}`;
  }
  const maxChannels = payload.varint();
  const maxMessageBytes = payload.varint();
  const windowBytes = payload.varint();
  const streamWindowBytes = payload.varint();
  const count = payload.varint();
  if (count > maxCodecs) return 'HELLO: malformed';
  const codecs: string[] = [];
  for (let i = 0; i < count; i++) codecs.push(payload.text(maxCodecNameBytes));
  if (!payload.ok() || maxChannels < 1 || maxMessageBytes < 1) return 'HELLO: malformed';
  if (windowBytes < minWindowBytes || streamWindowBytes < minWindowBytes) {
    return `HELLO: windows of ${windowBytes} and ${streamWindowBytes} bytes, at least ${minWindowBytes} are needed`;
  }
  const scheme = payload.offset < payload.end ? payload.varint() : 0;
  const known = scheme === 0 ? undefined : readAuth?.(payload, scheme);
  const auth = known ?? (scheme === 0 ? undefined : { scheme, bind: false, nonce: none, identity: '' });
  // Behind a scheme of others nothing can be told apart.
  const rest = auth === known ? readTail(payload) : undefined;
  if (!payload.ok()) return 'HELLO: malformed';
  const limits = { ...own, maxChannels, maxMessageBytes, windowBytes, streamWindowBytes };
  return { limits, codecs, ...(auth && { auth }), ...rest };
}

const none = new Uint8Array(0);
