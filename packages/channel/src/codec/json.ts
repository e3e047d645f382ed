import { CircuitError } from '@circuit/base';
import { maxDepth, maxParts, tooDeep, tooMany } from './bounds.js';
import { type Codec, Tagged } from './codec.js';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });
const longBytes = 65_536;

/**
 * JSON (RFC 8259). A tag is `{"$": [tag, body]}`; an object with a key that begins with `$` gets one `$` more in front of
 * that key. `NaN` and the infinities are `{"$": "NaN"}` and so on; bytes are `{"$": {"b": base64}}`.
 */
export function json(): Codec {
  return {
    name: 'json',
    encode(value) {
      const bytes = encoder.encode(JSON.stringify(wrap(value, 0)));
      if (bytes.length > maxParts) check(bytes, 'limit');
      return bytes;
    },
    decode(bytes, revive) {
      if (bytes.length > longBytes) check(bytes, 'invalid');
      return unwrap(JSON.parse(decoder.decode(bytes)), revive, 0);
    },
  };
}

/** The parser of the platform takes memory for each level and part before this side can count them. */
function check(bytes: Uint8Array, code: 'invalid' | 'limit'): void {
  let depth = 0;
  let parts = 0;
  let inText = false;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (inText) {
      if (byte === 0x5c) at++;
      else if (byte === 0x22) inText = false;
    } else if (byte === 0x22) inText = true;
    else if (byte === 0x5b || byte === 0x7b) {
      if (++depth > maxDepth) throw new CircuitError(code, `json: ${tooDeep}`);
      if (++parts > maxParts) throw new CircuitError(code, `json: ${tooMany}`);
    } else if (byte === 0x5d || byte === 0x7d) depth--;
  }
}

function wrap(value: unknown, depth: number): unknown {
  if (depth > maxDepth) throw new CircuitError('invalid', `json: ${tooDeep}`);
  if (typeof value === 'number') return Number.isFinite(value) ? value : { $: String(value) };
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Tagged) return { $: [value.tag, wrap(value.body, depth + 1)] };
  if (value instanceof Uint8Array) return { $: { b: toBase64(value) } };
  if (Array.isArray(value)) return value.map((item) => wrap(item, depth + 1));
  const result: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value))
    result[key.startsWith('$') ? `$${key}` : key] = wrap(item, depth + 1);
  return result;
}

function unwrap(value: unknown, revive: (tag: number, body: unknown) => unknown, depth: number): unknown {
  if (depth > maxDepth) throw new CircuitError('invalid', `json: ${tooDeep}`);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => unwrap(item, revive, depth + 1));
  const special = (value as { $?: unknown }).$;
  if (special !== undefined) return unwrapSpecial(special, revive, depth);
  const result: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) {
    const plain = key.startsWith('$') ? key.slice(1) : key;
    if (plain === '__proto__') throw new CircuitError('invalid', 'json: key __proto__');
    result[plain] = unwrap(item, revive, depth + 1);
  }
  return result;
}

function unwrapSpecial(special: unknown, revive: (tag: number, body: unknown) => unknown, depth: number): unknown {
  if (special === 'NaN' || special === 'Infinity' || special === '-Infinity') return Number(special);
  if (Array.isArray(special) && special.length === 2 && typeof special[0] === 'number') {
    return revive(special[0], unwrap(special[1], revive, depth + 1));
  }
  if (typeof special === 'object' && special !== null && typeof (special as { b?: unknown }).b === 'string') {
    return fromBase64((special as { b: string }).b);
  }
  throw new CircuitError('invalid', 'json: malformed special value');
}

function toBase64(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(text);
}

function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
}
