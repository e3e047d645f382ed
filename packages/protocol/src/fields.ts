import type { ByteSource } from './byte-end.js';
import { invalid, shown, utf8Bytes } from './parsed.js';

/** The fields of a record from outside, read one by one; every method throws an `invalid` error that names the field. */
export class Fields {
  readonly #record: Readonly<Record<string, unknown>>;
  readonly #where: string;
  readonly #read = new Set<string>();

  constructor(value: unknown, where: string) {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw invalid(`${where} is ${shown(value)}`, 'give an object');
    this.#record = value as Readonly<Record<string, unknown>>;
    this.#where = where;
  }

  /** The bare value; `null` counts as absent, because codecs write it for `undefined`. */
  value(name: string): unknown {
    this.#read.add(name);
    if (!Object.hasOwn(this.#record, name)) return undefined;
    return this.#record[name] ?? undefined;
  }

  has(name: string): boolean {
    return this.value(name) !== undefined;
  }

  text(name: string, { maxBytes = 4096, empty = false }: { maxBytes?: number; empty?: boolean } = {}): string {
    const value = this.value(name);
    if (typeof value !== 'string') throw this.#wrong(name, value, 'give a text');
    if (value === '' && !empty) throw this.#wrong(name, value, 'give a text that is not empty');
    if (value.includes('\0')) throw this.#wrong(name, value, 'leave NUL out');
    if (value.length > maxBytes || utf8Bytes(value) > maxBytes)
      throw this.#wrong(name, value, `use at most ${maxBytes} bytes`);
    return value;
  }

  integer(name: string, min: number, max: number = Number.MAX_SAFE_INTEGER): number {
    const value = this.value(name);
    if (!Number.isSafeInteger(value) || (value as number) < min || (value as number) > max)
      throw this.#wrong(name, value, `give a whole number from ${min} to ${max}`);
    return value as number;
  }

  flag(name: string): boolean {
    const value = this.value(name) ?? false;
    if (typeof value !== 'boolean') throw this.#wrong(name, value, 'give true or false');
    return value;
  }

  choice<T extends string>(name: string, choices: readonly T[]): T {
    const value = this.value(name);
    const found = choices.find((choice) => choice === value);
    if (found === undefined) throw this.#wrong(name, value, `use one of ${choices.join(', ')}`);
    return found;
  }

  /** A list of texts; the error names the place, never the text, which may be a secret. */
  texts(name: string, { maxItems, maxBytes }: { maxItems: number; maxBytes: number }): readonly string[] {
    const value = this.value(name);
    if (!Array.isArray(value)) throw this.#wrong(name, value, 'give a list of texts');
    if (value.length > maxItems) throw this.#wrong(name, value, `use at most ${maxItems} items`);
    return value.map((item: unknown, index) => {
      if (typeof item !== 'string' || item.includes('\0'))
        throw invalid(`${this.#where}: ${name}[${index}] is no text`, 'give a text without NUL');
      if (item.length > maxBytes || utf8Bytes(item) > maxBytes)
        throw invalid(`${this.#where}: ${name}[${index}] is too long`, `use at most ${maxBytes} bytes`);
      return item;
    });
  }

  /** An object whose fields are read elsewhere. */
  object(name: string): object {
    const value = this.value(name);
    if (typeof value !== 'object' || value === null) throw this.#wrong(name, value, 'give an object');
    return value;
  }

  /** The reading end of a byte stream. Its methods prove it: no codec makes functions out of plain data. */
  source(name: string): ByteSource {
    const value = this.value(name);
    if (typeof value !== 'object' || value === null || typeof (value as Partial<ByteSource>).read !== 'function')
      throw this.#wrong(name, value, 'give a byte stream to read');
    return value as ByteSource;
  }

  bytes(name: string, maxBytes: number): Uint8Array {
    const value = this.value(name);
    if (!(value instanceof Uint8Array)) throw this.#wrong(name, value, 'give bytes');
    if (value.length > maxBytes)
      throw invalid(`${this.#where}: ${name} has ${value.length} bytes`, `use at most ${maxBytes}`, 'too-long');
    return value;
  }

  /** Throws if the record holds a field that nobody read: doing something other than was asked is worse than refusing. */
  finish(): void {
    for (const name of Object.keys(this.#record)) {
      if (this.#read.has(name) || this.#record[name] === undefined) continue;
      const known = [...this.#read].join(', ') || 'none';
      throw invalid(`${this.#where} has the unknown field ${shown(name)}`, `known are ${known}`, 'unknown-field');
    }
  }

  #wrong(name: string, value: unknown, remedy: string): Error {
    return invalid(`${this.#where}: ${name} is ${shown(value)}`, remedy);
  }
}

/** `{[name]: value}`, or nothing when the value is absent: optional properties must not be present as `undefined`. */
export function optional<K extends string, T>(name: K, value: T | undefined): { readonly [P in K]?: T } {
  return (value === undefined ? {} : { [name]: value }) as { readonly [P in K]?: T };
}
