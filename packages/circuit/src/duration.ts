import { usageError } from './usage.js';

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Reads `500ms`, `10s`, `1.5m`, `2h`; a bare number means seconds. The result is in milliseconds. */
export function parseDuration(text: string): number {
  const found = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text);
  const ms = found === null ? NaN : Number(found[1]) * (unitMs[found[2] ?? 's'] ?? NaN);
  // A timer of Node cannot wait for longer than 2^31 ms.
  if (!(ms > 0) || ms > 2_147_483_647) throw usageError(`time ${text}: write 500ms, 10s or 2m`);
  return ms;
}
