import { CircuitError } from '@circuit/base';
import { type ServerIdentity, serverIdOf, verify } from './identity.js';

/** A record with the signature of the server that made it. */
export interface SignedRecord<T> {
  readonly record: T;
  readonly publicKey: Uint8Array;
  readonly signature: Uint8Array;
}

/** Signs `record`, which holds only what JSON can, for the use named by `context`. */
export function signRecord<T>(identity: ServerIdentity, context: string, record: T): SignedRecord<T> {
  return { record, publicKey: identity.publicKey, signature: identity.sign(context, canonicalBytes(record)) };
}

/** Whether `signed` was signed in `context` by the server `serverId`. Malformed input is false. */
export function verifyRecord(signed: SignedRecord<unknown>, context: string, serverId: string): boolean {
  if (serverIdOf(signed.publicKey) !== serverId) return false;
  try {
    return verify(signed.publicKey, context, canonicalBytes(signed.record), signed.signature);
  } catch {
    return false;
  }
}

/** How deep a record may nest. */
export const maxRecordDepth = 16;

/**
 * The one form of `value` in bytes, whoever writes it: JSON without white space, keys sorted by code unit (the JSON
 * Canonicalization Scheme, RFC 8785, whose numbers are those of JavaScript). Properties that are `undefined` count as
 * absent. Throws `invalid` for what JSON cannot say exactly, and beyond {@link maxRecordDepth}.
 */
export function canonicalBytes(value: unknown): Uint8Array {
  return Buffer.from(canonicalText(value, maxRecordDepth), 'utf8');
}

function canonicalText(value: unknown, depth: number): string {
  if (depth < 0) throw new CircuitError('invalid', `record nests deeper than ${maxRecordDepth} levels: flatten it`);
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return canonicalString(value);
  if (typeof value === 'number' && Number.isFinite(value)) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((item) => canonicalText(item, depth - 1)).join(',')}]`;
  if (isPlainObject(value)) {
    const members = Object.keys(value)
      .filter((key) => value[key] !== undefined)
      .sort()
      .map((key) => `${canonicalString(key)}:${canonicalText(value[key], depth - 1)}`);
    return `{${members.join(',')}}`;
  }
  throw new CircuitError('invalid', `record holds a ${typeof value} that JSON cannot say: leave it out`);
}

function canonicalString(text: string): string {
  // Half a character becomes U+FFFD in UTF-8, so two texts would get one form.
  if (/\p{Cs}/u.test(text)) throw new CircuitError('invalid', 'record holds half a character: give well-formed text');
  return JSON.stringify(text);
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
