import type { End } from '../local/end.js';
import { isByteSink, isByteSource } from '../local/raw.js';
import type { Entry } from '../session/entry.js';
import type { Table } from '../session/table.js';
import { type Away, AwaySink, AwaySource } from './away.js';
import { sinkHome, sourceHome } from './home-of.js';
import { Homecomings } from './homecomings.js';

/**
 * What the pump gets in place of `end`, for which `entry` stands on the way out; `undefined` for an end that cannot come home.
 * A page takes `page-away-of.ts` instead.
 */
export function awayOf(end: End, entry: Entry): Away | undefined {
  // A socket's bytes go without a pump.
  if (end.regain === undefined || isByteSource(end) || isByteSink(end)) return undefined;
  const { in: input, out } = entry;
  if (out !== undefined) return new AwaySource(end, out, sourceHome);
  return input === undefined ? undefined : new AwaySink(end, input, sinkHome);
}

/** What hears of the ends that come home over one session. */
export function homecomings(table: Table, wanted = true): Homecomings | undefined {
  return wanted ? new Homecomings(table) : undefined;
}
