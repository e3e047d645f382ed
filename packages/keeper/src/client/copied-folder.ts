import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { readJson, writeJson } from '../folder/json-file.js';
import { type KeeperFiles, keeperFiles, processFiles, streamNames } from '../folder/process-files.js';
import { type EofRecord, readExit, readSpec } from '../folder/records.js';
import { listSegments, namesIn } from '../folder/segments.js';
import type { StreamName } from './types.js';

/** Where the folder lay when it was opened last; a copy brings its original's. */
const placeFileName = 'place.json';

const reason = 'it belongs to the server whose state folder was copied';

/**
 * Lets go of what a copied folder tells of its original: a keeper that may still live, and processes that may still run. Otherwise the copy
 * would talk to that keeper, and forget or kill the processes of another server. What was kept of them up to the copy stays, their ends are
 * unknown. A folder that was only moved is no copy. The result counts those processes. The caller holds the lock of the state folder.
 */
export function disownCopy(keepersFolder: string, wallMs: number): number {
  const { dev, ino } = statSync(keepersFolder);
  const place = `${dev}:${ino}`;
  const file = join(keepersFolder, placeFileName);
  const former = readJson(file)?.place;
  if (former === place) return 0;
  let count = 0;
  if (former !== undefined) {
    for (const number of keeperNumbers(keepersFolder))
      count += disown(keeperFiles(join(keepersFolder, String(number))), wallMs);
  }
  // Last: a crash before it lets the next start do it again.
  writeJson(file, { place });
  return count;
}

/** The numbers of the keepers that a folder holds. */
export function keeperNumbers(keepersFolder: string): readonly number[] {
  return namesIn(keepersFolder)
    .filter((name) => /^[1-9]\d{0,8}$/.test(name))
    .map(Number);
}

function disown(keeper: KeeperFiles, wallMs: number): number {
  let count = 0;
  rmSync(keeper.record, { force: true });
  rmSync(join(keeper.folder, 'socket'), { force: true });
  rmSync(keeper.fifos, { recursive: true, force: true });
  for (const id of namesIn(keeper.processes)) {
    const files = processFiles(keeper, id);
    if (readSpec(files, id) === undefined) {
      rmSync(files.folder, { recursive: true, force: true });
      continue;
    }
    for (const stream of ['stdin', ...streamNames] as const) rmSync(files.fifo(stream), { force: true });
    const ending = readExit(files);
    if (ending === undefined) count++;
    if (ending?.stdout !== undefined && ending.stderr !== undefined) continue;
    writeJson(files.exit, {
      exit: ending?.exit ?? { kind: 'unknown', reason },
      endedMs: ending?.endedMs ?? wallMs,
      stdout: ending?.stdout ?? endOf(files.folder, 'stdout'),
      stderr: ending?.stderr ?? endOf(files.folder, 'stderr'),
    });
  }
  return count;
}

function endOf(folder: string, stream: StreamName): EofRecord {
  const last = listSegments(folder, stream).at(-1);
  return { endOffset: last === undefined ? 0 : last.start + last.size, lostBytes: 0 };
}
