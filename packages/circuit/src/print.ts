import type { Context } from './verb.js';
import { usageError } from './usage.js';

/** What a verb prints of one thing. */
export interface Row {
  /** A path, or another name of the thing. */
  readonly name: string;
  /** The line (or lines) without `-o`. */
  readonly text: string;
  readonly json: unknown;
}

const formats = ['json', 'ndjson', 'table', 'name'] as const;

export type Format = (typeof formats)[number] | 'text';

/** The format that `-o` names; `text` without it. */
function formatOf({ line }: Pick<Context, 'line'>): Format {
  const text = line.text('output');
  if (text === undefined) return 'text';
  const format = formats.find((known) => known === text);
  if (format === undefined) throw usageError(`format ${text}: use one of ${formats.join(', ')}`);
  return format;
}

/** Prints rows as they come: `json` is one list, or the thing itself if `single`. `table` waits for all, to align its columns. */
export class Printer {
  readonly #context: Context;
  readonly #format: Format;
  readonly #single: boolean;
  readonly #held: Row[] = [];

  constructor(context: Context, { single = false }: { readonly single?: boolean } = {}) {
    this.#context = context;
    this.#format = formatOf(context);
    this.#single = single;
  }

  async row(row: Row): Promise<void> {
    const { io } = this.#context;
    switch (this.#format) {
      case 'text':
        await io.write(`${row.text}\n`);
        return;
      case 'name':
        await io.write(`${row.name}\n`);
        return;
      case 'ndjson':
        await io.write(`${JSON.stringify(row.json)}\n`);
        return;
      case 'json':
      case 'table':
        this.#held.push(row);
    }
  }

  /** Prints what was held back. */
  async end(): Promise<void> {
    const { io } = this.#context;
    if (this.#format === 'json') {
      const [only] = this.#held;
      const whole = this.#single && only !== undefined ? only.json : this.#held.map(({ json }) => json);
      await io.write(`${JSON.stringify(whole, null, 2)}\n`);
    } else if (this.#format === 'table') await io.write(table(this.#held.map(({ json }) => flat(json))));
  }
}

/** Rows as columns under their names, every cell on one line. */
function table(rows: readonly Readonly<Record<string, string>>[]): string {
  const names = [...new Set(rows.flatMap(Object.keys))];
  if (names.length === 0) return '';
  const cells = [names.map((name) => name.toUpperCase()), ...rows.map((row) => names.map((name) => row[name] ?? ''))];
  const widths = names.map((_, i) => Math.max(...cells.map((row) => (row[i] ?? '').length)));
  return cells
    .map(
      (row) =>
        `${row
          .map((cell, i) => cell.padEnd(widths[i] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}

function flat(json: unknown): Record<string, string> {
  // An anchor without an element has no columns.
  if (json === null) return {};
  if (typeof json !== 'object') return { value: cell(json) };
  return Object.fromEntries(Object.entries(json).map(([name, value]) => [name, cell(value)]));
}

function cell(value: unknown): string {
  if (value === null || value === undefined) return '';
  return typeof value === 'string' ? value.replace(/\s+/g, ' ') : JSON.stringify(value);
}
