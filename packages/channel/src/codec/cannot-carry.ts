import { CircuitError } from '@circuit/base';
import { type Codec, Tagged } from './codec.js';
import * as tag from './tag.js';

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
  'object with a key __proto__ or one that is no Unicode',
  'descriptor',
  'text with half a surrogate pair',
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
  for (const [field, part] of parts(codec, value, path)) if (refuses(codec, part)) return innermost(codec, part, field);
  return { part: value, path };
}

/** The parts of a value with their paths, written as `lower` writes them. */
function parts(codec: Codec, value: unknown, path: string): [string, unknown][] {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return [];
  if (value instanceof Tagged) return taggedParts(codec, value, path);
  if (Array.isArray(value)) return value.map((part, i) => [`${path}[${i}]`, part]);
  return Object.entries(value).map(([key, part]) => [path === '' ? key : `${path}.${key}`, part]);
}

/** Of a collection that the codec does not carry even when it is empty no part is to blame. */
function taggedParts(codec: Codec, { tag: number, body }: Tagged, path: string): [string, unknown][] {
  if (!Array.isArray(body)) return [];
  const list = body as readonly unknown[];
  switch (number) {
    case tag.map:
    case tag.entries:
      if (refuses(codec, new Tagged(number, []))) return [];
      return list.map((part, i) => [`${path}<map ${i >> 1}>`, part]);
    case tag.set:
      if (refuses(codec, new Tagged(number, []))) return [];
      return list.map((part, i) => [`${path}<set ${i}>`, part]);
    case tag.error:
      if (refuses(codec, new Tagged(number, [list[0], list[1], {}]))) return [];
      return parts(codec, list[2], path);
    default:
      return [];
  }
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
