import { CircuitError } from '@circuit/base';
import { Tagged } from '../codec/codec.js';
import { maxBigintDigits, tag } from '../codec/tags.js';
import { Descriptor } from '../local/descriptor.js';
import { asForeignStream, End, type ForeignStream } from '../local/end.js';
import { isUnicode, lowerText } from './text.js';

/** Takes an end or stream found in a value and answers with its index among the references. */
export type TakeEnd = (end: End | ForeignStream, path: string) => number;

const maxDepth = 128;

/**
 * The value with ends, streams and everything beyond plain data replaced by {@link Tagged}. Copies only what changes and
 * never touches the sender's object. Objects of classes of the caller's become plain ones. Throws `invalid` for functions,
 * symbols, objects whose content is not in their properties (promises, weak maps …), bigints of more than 4,096 digits and
 * nesting deeper than 128, naming the field.
 */
export function lower(value: unknown, takeEnd: TakeEnd): unknown {
  return lowerAt(value, takeEnd, 0, '');
}

const undefinedTag = new Tagged(tag.undefined, null);
const negativeZeroTag = new Tagged(tag.negativeZero, null);

function lowerAt(value: unknown, takeEnd: TakeEnd, depth: number, path: string): unknown {
  switch (typeof value) {
    case 'string':
      return isUnicode(value) ? value : lowerText(value);
    case 'boolean':
      return value;
    case 'number':
      return value === 0 && 1 / value < 0 ? negativeZeroTag : value;
    case 'undefined':
      return undefinedTag;
    case 'bigint':
      return lowerBigint(value, path);
    case 'function':
    case 'symbol':
      throw new CircuitError('invalid', `cannot send a ${typeof value}${at(path)}`);
    case 'object':
      break;
  }
  if (value === null) return null;
  if (depth > maxDepth)
    throw new CircuitError('invalid', `cannot send a value nested deeper than ${maxDepth}${at(path)}`);
  if (Array.isArray(value)) return lowerArray(value, takeEnd, depth, path);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return lowerPlain(value, takeEnd, depth, path);
  return lowerSpecial(value, takeEnd, depth, path);
}

function lowerArray(list: readonly unknown[], takeEnd: TakeEnd, depth: number, path: string): unknown {
  let copy: unknown[] | undefined;
  for (let i = 0; i < list.length; i++) {
    const item = list[i];
    const lowered = lowerAt(item, takeEnd, depth + 1, path === '' ? `[${i}]` : `${path}[${i}]`);
    if (lowered !== item && copy === undefined && !Object.is(lowered, item)) copy = list.slice(0, i);
    if (copy !== undefined) copy.push(lowered);
  }
  return copy ?? list;
}

function lowerPlain(object: object, takeEnd: TakeEnd, depth: number, path: string): unknown {
  const source = object as Record<string, unknown>;
  let copy: Record<string, unknown> | undefined;
  for (const key in source) {
    if (!Object.hasOwn(source, key)) continue;
    if (key === '__proto__' || !isUnicode(key)) return lowerEntries(source, copy ?? source, key, takeEnd, depth, path);
    const item = source[key];
    const lowered = lowerAt(item, takeEnd, depth + 1, path === '' ? key : `${path}.${key}`);
    if (lowered === item || Object.is(lowered, item)) continue;
    copy ??= { ...source };
    copy[key] = lowered;
  }
  return copy ?? source;
}

/** What stands in front of the key `odd` is in `done` already: an end is taken once only. */
function lowerEntries(
  source: Record<string, unknown>,
  done: Record<string, unknown>,
  odd: string,
  takeEnd: TakeEnd,
  depth: number,
  path: string,
): Tagged {
  const flat: unknown[] = [];
  let front = true;
  for (const [key, item] of Object.entries(source)) {
    if (key === odd) front = false;
    flat.push(lowerText(key), front ? done[key] : lowerAt(item, takeEnd, depth + 1, `${path}.${key}`));
  }
  return new Tagged(tag.entries, flat);
}

function lowerBigint(value: bigint, path: string): Tagged {
  const text = value.toString();
  if (text.length <= maxBigintDigits) return new Tagged(tag.bigint, text);
  throw new CircuitError('invalid', `cannot send a bigint of more than ${maxBigintDigits} digits${at(path)}`);
}

function lowerSpecial(value: object, takeEnd: TakeEnd, depth: number, path: string): unknown {
  if (value instanceof End) {
    const reference = new Tagged(tag.reference, takeEnd(value, path));
    return value instanceof Descriptor ? new Tagged(tag.descriptor, reference) : reference;
  }
  if (value instanceof Uint8Array) return value;
  if (value instanceof Date) return new Tagged(tag.date, value.getTime());
  if (value instanceof Map) {
    const flat = [...value].flat(1).map((item, i) => lowerAt(item, takeEnd, depth + 1, `${path}<map ${i >> 1}>`));
    return new Tagged(tag.map, flat);
  }
  if (value instanceof Set) {
    return new Tagged(
      tag.set,
      [...value].map((item, i) => lowerAt(item, takeEnd, depth + 1, `${path}<set ${i}>`)),
    );
  }
  if (value instanceof Error) return lowerError(value, takeEnd, depth, path);
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return lowerBuffer(value);
  if (value instanceof Tagged) throw new CircuitError('invalid', `cannot send a tagged value${at(path)}`);
  const stream = asForeignStream(value);
  if (stream !== undefined) return new Tagged(tag.reference, takeEnd(stream, path));
  const kind = Object.prototype.toString.call(value).slice(8, -1);
  if (kind !== 'Object') throw new CircuitError('invalid', `cannot send a ${kind}${at(path)}`);
  const plain = lowerPlain(value, takeEnd, depth, path);
  return plain === value ? { ...value } : plain;
}

function lowerError(error: Error, takeEnd: TakeEnd, depth: number, path: string): Tagged {
  const fields: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(error)) if (key !== 'name' && key !== 'message') fields[key] = item;
  if (error.cause !== undefined) fields.cause = error.cause;
  return new Tagged(tag.error, [
    lowerText(error.name),
    lowerText(error.message),
    lowerAt(fields, takeEnd, depth + 1, path),
  ]);
}

function lowerBuffer(value: ArrayBufferView | ArrayBuffer): Tagged {
  if (value instanceof ArrayBuffer) return new Tagged(tag.typedArray, ['ArrayBuffer', new Uint8Array(value)]);
  const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  return new Tagged(tag.typedArray, [value.constructor.name, bytes]);
}

function at(path: string): string {
  return path === '' ? '' : ` (at ${path})`;
}
