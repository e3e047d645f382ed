import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { StreamName } from '../client/types.js';

/** One file of output: its bytes begin at absolute offset `start`. */
export interface Segment {
  readonly start: number;
  size: number;
}

const digits = 16;

/** `<folder>/stdout.0000000000000000`: names sort as offsets do, up to 2^53. */
export function segmentFile(folder: string, stream: StreamName, start: number): string {
  return join(folder, `${stream}.${String(start).padStart(digits, '0')}`);
}

/** The offsets at which segments of `stream` begin, ascending. A missing folder has none. */
export function segmentStarts(folder: string, stream: StreamName): number[] {
  const starts: number[] = [];
  for (const name of namesIn(folder)) {
    if (name.length !== stream.length + 1 + digits || !name.startsWith(`${stream}.`)) continue;
    const start = Number(name.slice(stream.length + 1));
    if (Number.isSafeInteger(start)) starts.push(start);
  }
  return starts.sort((a, b) => a - b);
}

/** The segments of `stream` with their present sizes, ascending. */
export function listSegments(folder: string, stream: StreamName): Segment[] {
  const segments: Segment[] = [];
  for (const start of segmentStarts(folder, stream)) {
    const size = statSync(segmentFile(folder, stream, start), { throwIfNoEntry: false })?.size;
    if (size !== undefined) segments.push({ start, size });
  }
  return segments;
}

/** The names in a folder; none when it is missing. */
export function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
