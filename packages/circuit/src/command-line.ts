import { usageError } from './usage.js';

/** One option of a verb. */
interface OptionSpec {
  /** `flag` stands alone, `text` has a value, `texts` may be repeated. */
  readonly type: 'flag' | 'text' | 'texts';
  readonly short?: string;
  /** How the value is called in the help. */
  readonly value?: string;
  readonly help: string;
}

export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

/** What was typed behind the name of a verb. */
export class CommandLine {
  readonly args: readonly string[];
  readonly #values: ReadonlyMap<string, readonly string[]>;

  constructor(args: readonly string[], values: ReadonlyMap<string, readonly string[]>) {
    this.args = args;
    this.#values = values;
  }

  flag(name: string): boolean {
    return this.#values.has(name);
  }

  /** The value of an option, the last if it was given twice. */
  text(name: string): string | undefined {
    return this.#values.get(name)?.at(-1);
  }

  texts(name: string): readonly string[] {
    return this.#values.get(name) ?? [];
  }
}

/**
 * Reads options and arguments in any order. Behind `--`, and behind `leading` arguments where that is given, everything is an argument. Throws
 * a usage error that names what is wrong.
 */
export function parseCommandLine(argv: readonly string[], specs: OptionSpecs, leading: number = Infinity): CommandLine {
  const reader = new Reader(argv, specs);
  const args: string[] = [];
  for (;;) {
    const word = reader.next();
    if (word === undefined) break;
    if (word === '--' || args.length >= leading) {
      args.push(...(word === '--' ? [] : [word]), ...reader.rest());
      break;
    }
    if (!isOption(word)) args.push(word);
    else reader.option(word);
  }
  return new CommandLine(args, reader.values);
}

/** How many words before the first that is no option; throws a usage error for an option that is not among `specs`. */
export function optionsBefore(argv: readonly string[], specs: OptionSpecs): number {
  const reader = new Reader(argv, specs);
  for (;;) {
    const at = reader.at;
    const word = reader.next();
    if (word === undefined || !isOption(word)) return at;
    reader.option(word);
  }
}

/** A number below zero is no option: whoever takes it says what is wrong with it. */
function isOption(word: string): boolean {
  return /^-[^\d]/.test(word);
}

class Reader {
  readonly values = new Map<string, string[]>();
  readonly #argv: readonly string[];
  readonly #specs: OptionSpecs;
  #at = 0;

  constructor(argv: readonly string[], specs: OptionSpecs) {
    this.#argv = argv;
    this.#specs = specs;
  }

  get at(): number {
    return this.#at;
  }

  next(): string | undefined {
    return this.#argv[this.#at++];
  }

  rest(): readonly string[] {
    return this.#argv.slice(this.#at);
  }

  option(word: string): void {
    const found = /^--?([A-Za-z][\w-]+)(?:=(.*))?$/s.exec(word);
    const name = found?.[1];
    if (name !== undefined && Object.hasOwn(this.#specs, name)) this.#take(name, word, found?.[2]);
    else if (word.startsWith('--') || !this.#bundle(word)) throw this.#unknown(word);
  }

  /** `-l`, `-lo json`, `-dADDR`; false if a letter is unknown. */
  #bundle(word: string): boolean {
    for (let i = 1; i < word.length; i++) {
      const name = this.#byShort(word[i] ?? '');
      if (name === undefined) return false;
      if (this.#specs[name]?.type === 'flag') {
        this.#take(name, `-${word[i] ?? ''}`, undefined);
        continue;
      }
      const rest = word.slice(i + 1).replace(/^=/, '');
      this.#take(name, `-${word[i] ?? ''}`, i + 1 < word.length ? rest : undefined);
      return true;
    }
    return true;
  }

  #take(name: string, word: string, joined: string | undefined): void {
    const values = this.values.get(name) ?? [];
    this.values.set(name, values);
    if (this.#specs[name]?.type === 'flag') {
      if (joined !== undefined) throw usageError(`option ${word} takes no value`);
      return;
    }
    const value = joined ?? this.next();
    if (value === undefined) throw usageError(`option ${word} wants a value: ${this.#specs[name]?.value ?? 'VALUE'}`);
    values.push(value);
  }

  #byShort(letter: string): string | undefined {
    return Object.keys(this.#specs).find((name) => this.#specs[name]?.short === letter);
  }

  #unknown(word: string): Error {
    const known = Object.keys(this.#specs).map((name) => `--${name}`);
    return usageError(`unknown option ${word}: known are ${known.join(' ')}`);
  }
}
