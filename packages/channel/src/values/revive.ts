import { CircuitError } from '@circuit/base';
import { maxBigintDigits } from '../codec/bounds.js';
import type { Revive } from '../codec/codec.js';
import * as tag from '../codec/tag.js';
import { Descriptor } from '../local/descriptor.js';
import { reviveText } from './text.js';

/** The types that stand on a buffer; a `DataView` has no elements. */
interface BufferType {
  readonly BYTES_PER_ELEMENT?: number;
  new (buffer: ArrayBuffer): unknown;
}

/** What stands on a buffer; what of it this side has is a global of that name. */
const bufferTypes = /^(DataView|(Big|Float|Int|Uint)\w+Array)$/;
const errorTypes = /^(Eval|Range|Reference|Syntax|Type|URI)?Error$/;

/** Makes what a session alone can make. */
export interface Ends {
  /** The end that a reference stands for. */
  readonly end: (index: number) => unknown;
  /** What stands in for a descriptor, of both directions of a byte stream; `undefined` for anything else. */
  readonly standIn: (body: unknown) => Descriptor | undefined;
}

/** Makes values of tags. Throws `invalid` for a body that does not fit its tag. */
export function reviver({ end, standIn }: Ends): Revive {
  return (number, body) => {
    switch (number) {
      case tag.reference:
        return typeof body === 'number' ? end(body) : misfit('reference');
      case tag.undefined:
        return undefined;
      case tag.negativeZero:
        return -0;
      case tag.bigint:
        return typeof body === 'string' && body.length <= maxBigintDigits && /^-?\d+$/.test(body)
          ? BigInt(body)
          : misfit('bigint');
      case tag.date:
        return typeof body === 'number' ? new Date(body) : misfit('date');
      case tag.map:
        return new Map(pairs(body));
      case tag.set:
        return Array.isArray(body) ? new Set<unknown>(body) : misfit('set');
      case tag.error:
        return reviveError(body);
      case tag.typedArray:
        return reviveTypedArray(body);
      case tag.entries:
        return reviveEntries(body);
      case tag.descriptor:
        return body instanceof Descriptor ? body : (standIn(body) ?? misfit('descriptor'));
      case tag.text:
        return reviveText(body) ?? misfit('text');
      default:
        throw new CircuitError('unsupported', `value with unknown tag ${number}`);
    }
  };
}

function pairs(body: unknown): [unknown, unknown][] {
  if (!Array.isArray(body) || body.length % 2 !== 0) return misfit('list of keys and values');
  const result: [unknown, unknown][] = [];
  for (let i = 0; i < body.length; i += 2) result.push([body[i], body[i + 1]]);
  return result;
}

function reviveError(body: unknown): Error {
  if (!Array.isArray(body)) return misfit('error');
  const [name, message, fields] = body as unknown[];
  if (typeof name !== 'string' || typeof message !== 'string') return misfit('error');
  if (typeof fields !== 'object' || fields === null) return misfit('error');
  if (name === 'CircuitError') return CircuitError.fromRecord({ ...fields, message });
  const Type = globalType<new (message: string) => Error>(name, errorTypes);
  // A stack from here tells nothing, and to take one for each of a million errors would be most of the work.
  const { stackTraceLimit } = Error;
  Reflect.set(Error, 'stackTraceLimit', 0);
  const error = new (Type ?? Error)(message);
  Reflect.set(Error, 'stackTraceLimit', stackTraceLimit);
  if (Type === undefined) Object.defineProperty(error, 'name', { value: name, configurable: true, writable: true });
  for (const [key, value] of Object.entries(fields)) {
    Object.defineProperty(error, key, { value, configurable: true, writable: true, enumerable: key !== 'cause' });
  }
  return error;
}

function reviveTypedArray(body: unknown): unknown {
  if (!Array.isArray(body)) return misfit('typed array');
  const [name, bytes] = body as unknown[];
  if (typeof name !== 'string' || !(bytes instanceof Uint8Array)) return misfit('typed array');
  const Type = globalType<BufferType>(name, bufferTypes);
  // An array type that this side lacks still arrives, as its bytes; a Buffer is the bytes themselves.
  if (Type === undefined && name !== 'ArrayBuffer') return bytes;
  if (bytes.length % (Type?.BYTES_PER_ELEMENT ?? 1) !== 0) return misfit('typed array');
  // Typed arrays need a buffer of their own.
  const { buffer } = new Uint8Array(bytes);
  return Type === undefined ? buffer : new Type(buffer);
}

function reviveEntries(body: unknown): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [key, value] of pairs(body)) {
    if (typeof key !== 'string') return misfit('object');
    Object.defineProperty(result, key, { value, configurable: true, enumerable: true, writable: true });
  }
  return result;
}

/** The type of that name, if it is one of `known` and this side has it. */
function globalType<T>(name: string, known: RegExp): T | undefined {
  return known.test(name) ? (globalThis as unknown as Record<string, T | undefined>)[name] : undefined;
}

function misfit(what: string): never {
  throw new CircuitError('invalid', `malformed ${what} in a message`);
}
