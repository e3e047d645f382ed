import { CircuitError, isCircuitError, toCircuitError } from '@circuit/base';
import { maxBigintDigits, maxParts, tooMany } from '../codec/bounds.js';
import { Tagged } from '../codec/codec.js';
import * as tag from '../codec/tag.js';
import { Descriptor } from '../local/descriptor.js';
import { asForeignStream, End, type ForeignStream } from '../local/end.js';
import { isA, kindOf } from '../local/is-a.js';
import { isUnicode, lowerText } from './text.js';

/** Takes an end or stream found in a value and answers with its index among the references. */
export type TakeEnd = (end: End | ForeignStream) => number;

export const maxDepth = 128;
/** Of where a refused value stands so many characters are shown. */
const maxShownPath = 200;

/**
 * The value with ends, streams and everything beyond plain data replaced by {@link Tagged}. Copies only what changes and
 * never touches the sender's object. Objects of classes of the caller's become plain ones. Throws `invalid` for functions,
 * symbols, objects whose content is not in their properties (promises, weak maps …), what throws when it is looked at, bigints of more than 4,096 digits and
 * nesting deeper than 128, naming the field; `limit` for more than 1,048,576 lists, objects and values beyond plain data.
 */
export function lower(value: unknown, takeEnd: TakeEnd): unknown {
  parts = 0;
  try {
    return lowerAt(value, takeEnd, 0);
  } catch (error) {
    const refusal = within(error, '');
    if (!(refusal instanceof Refusal)) throw refusal;
    const where = refusal.path === '' ? '' : ` (at ${refusal.path.replace(/^\./, '').slice(0, maxShownPath)})`;
    throw new CircuitError('invalid', `cannot send a ${refusal.message}${where}`);
  }
}

/** Thrown with what is refused. Its path comes together on the way out: making one for every field took half of the time. */
class Refusal extends Error {
  path = '';
}

/** `error`, which came out of `field`; what a getter, a proxy or a locked stream throws is a refusal, too. */
function within(error: unknown, field: string): unknown {
  if (isCircuitError(error)) return error;
  const refusal = error instanceof Refusal ? error : new Refusal(`value: ${toCircuitError(error).message}`);
  refusal.path = field + refusal.path;
  return refusal;
}

/** How many of the value under way were seen: one that stands in it twice is sent twice, and doubles with every level. */
let parts = 0;

const undefinedTag = new Tagged(tag.undefined, null);
const negativeZeroTag = new Tagged(tag.negativeZero, null);

function lowerAt(value: unknown, takeEnd: TakeEnd, depth: number): unknown {
  switch (typeof value) {
    case 'string':
      return isUnicode(value) ? value : lowerText(value);
    case 'boolean':
      return value;
    case 'number':
      return value === 0 && 1 / value < 0 ? negativeZeroTag : value;
    case 'function':
    case 'symbol':
      throw new Refusal(typeof value);
    default:
  }
  if (value === null) return null;
  if (++parts > maxParts) throw new CircuitError('limit', tooMany);
  if (value === undefined) return undefinedTag;
  if (typeof value === 'bigint') return lowerBigint(value);
  if (depth >= maxDepth) throw new Refusal(`value nested deeper than ${maxDepth}, or circular`);
  if (Array.isArray(value)) return lowerArray(value, takeEnd, depth, inArray);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return lowerPlain(value, takeEnd, depth);
  return lowerSpecial(value, takeEnd, depth);
}

const inArray = (i: number): string => `[${i}]`;
const inMap = (i: number): string => `<map ${i >> 1}>`;
const inSet = (i: number): string => `<set ${i}>`;

function lowerArray(
  list: readonly unknown[],
  takeEnd: TakeEnd,
  depth: number,
  field: (i: number) => string,
): readonly unknown[] {
  let copy: unknown[] | undefined;
  let i = 0;
  try {
    for (; i < list.length; i++) {
      const item = list[i];
      const lowered = lowerAt(item, takeEnd, depth + 1);
      if (lowered !== item && copy === undefined && !Object.is(lowered, item)) copy = list.slice(0, i);
      if (copy !== undefined) copy.push(lowered);
    }
  } catch (error) {
    throw within(error, field(i));
  }
  return copy ?? list;
}

function lowerPlain(object: object, takeEnd: TakeEnd, depth: number): unknown {
  const source = object as Record<string, unknown>;
  let copy: Record<string, unknown> | undefined;
  let odd: string | undefined;
  let field = '';
  try {
    for (const key in source) {
      if (!Object.hasOwn(source, key)) continue;
      if (key === '__proto__' || !isUnicode(key)) {
        odd = key;
        break;
      }
      field = key;
      const item = source[key];
      const lowered = lowerAt(item, takeEnd, depth + 1);
      if (lowered === item || Object.is(lowered, item)) continue;
      copy ??= { ...source };
      copy[key] = lowered;
    }
  } catch (error) {
    throw within(error, `.${field}`);
  }
  return odd === undefined ? (copy ?? source) : lowerEntries(source, copy ?? source, odd, takeEnd, depth);
}

/** What stands in front of the key `odd` is in `done` already: an end is taken once only. */
function lowerEntries(
  source: Record<string, unknown>,
  done: Record<string, unknown>,
  odd: string,
  takeEnd: TakeEnd,
  depth: number,
): Tagged {
  const flat: unknown[] = [];
  let front = true;
  let field = '';
  try {
    for (const [key, item] of Object.entries(source)) {
      field = key;
      if (key === odd) front = false;
      flat.push(lowerText(key), front ? done[key] : lowerAt(item, takeEnd, depth + 1));
    }
  } catch (error) {
    throw within(error, `.${field}`);
  }
  return new Tagged(tag.entries, flat);
}

function lowerBigint(value: bigint): Tagged {
  const text = value.toString();
  if (text.length <= maxBigintDigits) return new Tagged(tag.bigint, text);
  throw new Refusal(`bigint of more than ${maxBigintDigits} digits`);
}

function lowerSpecial(value: object, takeEnd: TakeEnd, depth: number): unknown {
  if (value instanceof End) {
    const reference = new Tagged(tag.reference, takeEnd(value));
    return value instanceof Descriptor ? new Tagged(tag.descriptor, reference) : reference;
  }
  // The copy of what is empty because its memory went elsewhere throws.
  if (value instanceof Uint8Array) return value.length > 0 ? value : value.slice();
  const kind = kindOf(value);
  if (isA(value, Date, kind)) return new Tagged(tag.date, value.getTime());
  if (isA(value, Map, kind)) return new Tagged(tag.map, lowerArray([...value].flat(1), takeEnd, depth, inMap));
  if (isA(value, Set, kind)) return new Tagged(tag.set, lowerArray([...value], takeEnd, depth, inSet));
  // What only says that it is an error has no message.
  if (isA(value, Error, kind) && 'message' in value) return lowerError(value, takeEnd, depth);
  if (value instanceof ArrayBuffer) return new Tagged(tag.typedArray, [kind, new Uint8Array(value)]);
  if (ArrayBuffer.isView(value)) {
    const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
    return new Tagged(tag.typedArray, [kind, bytes]);
  }
  if (value instanceof Tagged) throw new Refusal('tagged value');
  const stream = asForeignStream(value);
  if (stream !== undefined) return new Tagged(tag.reference, takeEnd(stream));
  if (kind !== 'Object') throw new Refusal(kind);
  const plain = lowerPlain(value, takeEnd, depth);
  return plain === value ? { ...value } : plain;
}

function lowerError(error: Error, takeEnd: TakeEnd, depth: number): Tagged {
  const fields: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(error)) if (key !== 'name' && key !== 'message') fields[key] = item;
  for (const key of ['cause', 'errors']) if (key in error) fields[key] = (error as unknown as typeof fields)[key];
  // They are what somebody made them.
  const texts = [error.name, error.message].map(String).map(lowerText);
  return new Tagged(tag.error, [...texts, lowerAt(fields, takeEnd, depth + 1)]);
}
