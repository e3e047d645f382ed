import type { KeeperFiles } from '../folder/process-files.js';
import { processFiles } from '../folder/process-files.js';
import { readBirth, readEof, readExit, readSpec } from '../folder/records.js';
import { listSegments, namesIn } from '../folder/segments.js';
import { isProcessId } from '../protocol/messages.js';
import type { ProcessRecord, StreamName, StreamRecord } from './types.js';

/** What a folder without a keeper holds. */
export interface Archive {
  readonly processes: readonly ProcessRecord[];
  /** Whether something in it is not finished, so that a keeper must look after it. */
  readonly unfinished: boolean;
}

/** Reads the records of a folder whose keeper is gone. */
export function readArchive(keeper: KeeperFiles): Archive {
  const processes: ProcessRecord[] = [];
  let unfinished = false;
  for (const id of namesIn(keeper.processes)) {
    if (!isProcessId(id)) continue;
    const record = readArchived(keeper, id);
    if (record === undefined) unfinished = true;
    else processes.push(record);
  }
  processes.sort((a, b) => a.startedMs - b.startedMs);
  return { processes, unfinished };
}

function readArchived(keeper: KeeperFiles, id: string): ProcessRecord | undefined {
  const files = processFiles(keeper, id);
  const spec = readSpec(files, id);
  const ending = readExit(files);
  const stdout = readStream(files.folder, 'stdout');
  const stderr = readStream(files.folder, 'stderr');
  if (spec === undefined || ending === undefined || stdout === undefined || stderr === undefined) return undefined;
  const birth = readBirth(files) ?? { pid: 0, startTime: '', bootId: '', startedMs: ending.endedMs };
  return { id, ...birth, phase: 'ended', ...ending, mode: spec.mode, stdin: 'closed', stdout, stderr };

  function readStream(folder: string, stream: StreamName): StreamRecord | undefined {
    const eof = readEof(files, stream);
    if (eof === undefined) return undefined;
    return { ...eof, startOffset: listSegments(folder, stream)[0]?.start ?? eof.endOffset, eof: true };
  }
}
