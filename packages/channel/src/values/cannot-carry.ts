import { CircuitError } from '@circuit/base';
import { type Codec, Tagged } from '../codec/codec.js';

/** What the tags stand for, by number. */
const tagNames = [
  'channel or stream',
  'undefined',
  'number -0',
  'bigint',
  'Date',
  'Map',
  'Set',
  'Error',
  'typed array',
  'object with a key __proto__',
];

/**
 * Why `codec` does not carry `value`, a lowered one that it has just refused with `cause`: names the type and the field of
 * the first innermost part that the codec refuses on its own.
 */
export function cannotCarry(codec: Codec, value: unknown, cause: unknown): CircuitError {
  const { part, path } = innermost(codec, value, '');
  const where = path === '' ? '' : ` (at ${path})`;
  const why = cause instanceof Error ? cause.message : String(cause);
  return new CircuitError(
    'unsupported',
    `codec ${codec.name} cannot carry ${article(typeName(part))}${where}: ${why}`,
    {
      cause,
    },
  );
}

function innermost(codec: Codec, value: unknown, path: string): { part: unknown; path: string } {
  for (const [key, part] of parts(value)) {
    if (!refuses(codec, part)) continue;
    return innermost(codec, part, Array.isArray(value) ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`);
  }
  return { part: value, path };
}

function parts(value: unknown): [string, unknown][] {
  if (typeof value !== 'object' || value === null || value instanceof Tagged || ArrayBuffer.isView(value)) return [];
  return Object.entries(value);
}

function refuses(codec: Codec, part: unknown): boolean {
  try {
    codec.encode(part);
    return false;
  } catch {
    return true;
  }
}

function typeName(part: unknown): string {
  if (part instanceof Tagged) return tagNames[part.tag] ?? `value with tag ${part.tag}`;
  if (part === null) return 'null';
  if (Array.isArray(part)) return 'list';
  return part instanceof Uint8Array ? 'Uint8Array' : typeof part;
}

function article(name: string): string {
  if (name === 'null' || name === 'undefined') return name;
  return /^[aeio]/i.test(name) ? `an ${name}` : `a ${name}`;
}
