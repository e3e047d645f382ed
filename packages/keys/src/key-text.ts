import { CircuitError } from '@circuit/base';
import { Key, keyBytes, type KeyRight } from './key.js';

/** What reading a key gives: the key, or why it is none. */
export type KeyReading =
  | { readonly ok: true; readonly key: Key }
  | { readonly ok: false; readonly error: CircuitError };

/** The first line of a read-only key. It is no base64, so whoever takes the text for a full key fails. */
export const readOnlyMark = 'circuit read-only key';

/** The text of `key` as a key file holds it: base64 in one line, below {@link readOnlyMark} if it is read-only. */
export function formatKey(key: Key): string {
  const body = `${Buffer.from(key.secret()).toString('base64')}\n`;
  return key.right === 'full' ? body : `${readOnlyMark}\n${body}`;
}

/**
 * Reads the text of a key file; `where` names it in errors, which never show the text. White space anywhere and missing
 * `=` at the end are tolerated; the 64-byte keys of the Go circuit are read as they are.
 */
export function parseKey(text: string, where: string): KeyReading {
  const trimmed = text.trim();
  if (trimmed === '') return refuse(where, 'is empty', 'make a key with circuit keygen', 'key-empty');
  const marked = trimmed.startsWith(readOnlyMark);
  const right: KeyRight = marked ? 'read-only' : 'full';
  const body = (marked ? trimmed.slice(readOnlyMark.length) : trimmed).replace(/\s+/g, '');
  if (!isBase64(body)) return refuse(where, 'is not base64', 'give the output of circuit keygen', 'key-garbage');
  const secret = Buffer.from(body, 'base64');
  if (secret.length < keyBytes.least)
    return refuse(
      where,
      `has ${secret.length} bytes`,
      `a key has at least ${keyBytes.least} random bytes; make one with circuit keygen`,
      'key-length',
    );
  if (secret.length > keyBytes.most)
    return refuse(where, `has ${secret.length} bytes`, `a key has at most ${keyBytes.most}`, 'key-length');
  return { ok: true, key: new Key(right, secret) };
}

/** RFC 4648 section 4, the padding optional; Node's decoder takes anything. */
function isBase64(text: string): boolean {
  const digits = text.replace(/={1,2}$/, '');
  if (digits !== text && text.length % 4 !== 0) return false;
  return /^[A-Za-z0-9+/]+$/.test(digits) && digits.length % 4 !== 1;
}

function refuse(where: string, what: string, remedy: string, detail: string): KeyReading {
  return { ok: false, error: new CircuitError('invalid', `key ${where} ${what}: ${remedy}`, { detail }) };
}
