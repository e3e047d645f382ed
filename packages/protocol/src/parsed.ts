import { CircuitError, isCircuitError } from '@circuit/base';

/** What a decoder says: the value, or why there is none (code `invalid`). Decoders never throw for what came from outside. */
export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: CircuitError };

/** The value of `parsed`; throws its error. For callers whose own input it was. */
export function orThrow<T>(parsed: Parsed<T>): T {
  if (!parsed.ok) throw parsed.error;
  return parsed.value;
}

/** Runs a reader that throws `invalid` errors and turns them into a union; anything else it throws is a bug and passes. */
export function parsing<T>(read: () => T): Parsed<T> {
  try {
    return { ok: true, value: read() };
  } catch (error) {
    if (isCircuitError(error, 'invalid')) return { ok: false, error };
    throw error;
  }
}

/** An `invalid` error that says what has which value and what to do about it. */
export function invalid(what: string, remedy: string, detail?: string): CircuitError {
  return new CircuitError('invalid', `${what}: ${remedy}`, detail === undefined ? {} : { detail });
}

/** `value` as it appears in a message: JSON, cut to a bearable length. */
export function shown(value: unknown): string {
  if (value === undefined) return 'absent';
  if (value === null) return 'null';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object') return 'an object';
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  if (typeof value !== 'string') return `a ${typeof value}`;
  // A slice of the front first: a megabyte of text must not be encoded for a message.
  return value.length > 60
    ? `${JSON.stringify(value.slice(0, 60))}… (${value.length} characters)`
    : JSON.stringify(value);
}

/** The length of `text` in UTF-8. */
export function utf8Bytes(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) continue;
    if (unit < 0x800) bytes += 1;
    else if (unit >= 0xd800 && unit <= 0xdbff && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00) {
      bytes += 2;
      i++;
    } else bytes += 2;
  }
  return bytes;
}
