import { endingRows } from './ending.js';
import { flowRows } from './flow.js';
import { nestingRows } from './nesting.js';
import { oneWayRows } from './one-way.js';
import { requestRows } from './requests.js';
import { streamRows } from './streams.js';
import { type ConformanceOptions, type Row, runRows } from './suite.js';
import { valueRows } from './values.js';

export { readAll } from './streams.js';
export {
  ask,
  type Bench,
  type ConformanceOptions,
  type Connect,
  collect,
  type Expect,
  type Expectation,
  eventually,
  openChannel,
  type Pair,
  type PairOptions,
  type Row,
  runRows,
  serve,
  type TestFunction,
  take,
} from './suite.js';
export { rawBytes, valueTable } from './values.js';

/** Every requirement that a transport has to meet. */
export const conformanceRows: readonly Row[] = [
  ...oneWayRows,
  ...valueRows,
  ...requestRows,
  ...nestingRows,
  ...streamRows,
  ...flowRows,
  ...endingRows,
];

/** Registers the tests of one transport. */
export function channelConformance(options: ConformanceOptions): void {
  runRows(conformanceRows, options);
}
