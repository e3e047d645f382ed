import { commandLimits } from '@circuit/protocol';
import { usageError } from './usage.js';

const units: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};

/** Reads `500MB` (10^6 bytes each), `2GiB` (2^30), `65536B`, units in any case; never a bare number, whose unit people guess differently. */
export function parseSize(text: string): number {
  const bytes = bytesOf(text);
  if (bytes === undefined) throw usageError(`size ${text}: write a number with its unit, such as 500MB or 2GiB`);
  return atLeast(bytes, text);
}

/** A size, or a share of a disk: `20%`. */
export function parseAmount(text: string): { readonly bytes: number } | { readonly share: number } {
  const percent = Number(/^(\d+(?:\.\d+)?)%$/.exec(text)?.[1]);
  if (percent > 0 && percent <= 100) return { share: percent / 100 };
  const bytes = bytesOf(text);
  if (bytes === undefined)
    throw usageError(`size ${text}: write a number with its unit, or a share of the disk: 500MB, 2GiB, 20%`);
  return { bytes: atLeast(bytes, text) };
}

function bytesOf(text: string): number | undefined {
  const found = /^(\d+(?:\.\d+)?)([a-z]+)$/i.exec(text);
  const unit = units[found?.[2]?.toLowerCase() ?? ''];
  const bytes = unit === undefined ? NaN : Math.floor(Number(found?.[1]) * unit);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

function atLeast(bytes: number, text: string): number {
  if (bytes >= commandLimits.leastKeepBytes) return bytes;
  throw usageError(`size ${text}: at least ${commandLimits.leastKeepBytes / 1024}KiB are kept`);
}
