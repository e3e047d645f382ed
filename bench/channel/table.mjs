import { median } from './common.mjs';

const show = (number) =>
  number === undefined ? '–' : number >= 1000 ? `${(number / 1000).toFixed(1)} k` : number.toFixed(number < 10 ? 2 : 0);

/** Measurements by row and column; of several in one cell the median counts. */
export class Table {
  #rows = new Map();
  #columns;

  constructor(columns) {
    this.#columns = columns;
  }

  put(row, column, value) {
    if (!this.#columns.includes(column)) throw new Error(`no column ${column}`);
    if (!this.#rows.has(row)) this.#rows.set(row, new Map());
    const cells = this.#rows.get(row);
    if (!cells.has(column)) cells.set(column, []);
    cells.get(column).push(value);
  }

  get(row, column) {
    const all = this.#rows.get(row)?.get(column);
    return all === undefined ? undefined : median(all);
  }

  print() {
    console.log(`| | ${this.#columns.join(' | ')} |`);
    console.log(`|---|${this.#columns.map(() => '---:').join('|')}|`);
    for (const row of this.#rows.keys()) {
      console.log(`| ${row} | ${this.#columns.map((column) => show(this.get(row, column))).join(' | ')} |`);
    }
  }
}

/** Prints `[name, measured, wanted, 'at most'?]` as a table, without `wanted` the measured alone; answers how many are missed. */
export function printGoals(goals) {
  console.log('\n| goal | measured | wanted | |\n|---|---:|---:|---|');
  let missed = 0;
  for (const [name, measured, wanted, atMost] of goals) {
    if (measured === undefined || Number.isNaN(measured)) continue;
    if (wanted === undefined) {
      console.log(`| ${name} | ${show(measured)} | – | |`);
      continue;
    }
    const met = atMost ? measured <= wanted : measured >= wanted;
    if (!met) missed++;
    console.log(
      `| ${name} | ${show(measured)} | ${atMost ? '≤' : '≥'} ${show(wanted)} | ${met ? 'met' : '**missed**'} |`,
    );
  }
  return missed;
}
