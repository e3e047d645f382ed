import type { AuthHello } from '../session/hello.js';
import { type ByteCursor, varintLength, writeVarint } from '../wire/varint.js';
import { nonceBytes } from './mac.js';
import { maxIdentityBytes } from './options.js';

/** HMAC-SHA-256 over both HELLOs. */
export const authScheme = 1;
const bindFlag = 0x01;

/** What a side that authenticates says of it in its HELLO. */
export function encodeAuth({ scheme, bind, nonce, identity }: AuthHello): Uint8Array {
  const name = new TextEncoder().encode(identity);
  const bytes = new Uint8Array(varintLength(scheme) + 1 + nonce.length + varintLength(name.length) + name.length);
  let at = writeVarint(bytes, 0, scheme);
  bytes[at++] = bind ? bindFlag : 0;
  bytes.set(nonce, at);
  at = writeVarint(bytes, at + nonce.length, name.length);
  bytes.set(name, at);
  return bytes;
}

/** Reads what stands behind the scheme; nothing of another one than ours. */
export function readAuth(payload: ByteCursor, scheme: number): AuthHello | undefined {
  if (scheme !== authScheme) return undefined;
  const bind = (payload.byte() & bindFlag) !== 0;
  return { scheme, bind, nonce: payload.take(nonceBytes), identity: payload.text(maxIdentityBytes) };
}
