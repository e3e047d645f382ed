import { endingRows } from './ending.js';
import { flowRows } from './flow.js';
import { oneWayRows } from './one-way.js';
import { nestingRows } from './nesting.js';
import { requestRows } from './requests.js';
import { streamRows } from './streams.js';
import { type ConformanceOptions, type Row, runRows } from './suite.js';
import { valueRows } from './values.js';

export {
  ask,
  type Bench,
  collect,
  type ConformanceOptions,
  type Connect,
  eventually,
  type Expect,
  type Expectation,
  openChannel,
  type Pair,
  type PairOptions,
  type Row,
  runRows,
  serve,
  take,
  type TestFunction,
} from './suite.js';
export { readAll } from './streams.js';
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
