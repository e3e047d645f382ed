import type { KeeperFiles } from '../folder/process-files.js';
import { processFiles } from '../folder/process-files.js';
import { type EofRecord, readBirth, readExit, readSpec } from '../folder/records.js';
import { listSegments, namesIn } from '../folder/segments.js';
import { isProcessId } from '../protocol/messages.js';
import type { OutputMode, ProcessRecord, StreamName, StreamRecord } from './types.js';

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
  if (spec === undefined || ending?.stdout === undefined || ending.stderr === undefined) return undefined;
  const { exit, endedMs } = ending;
  const birth = readBirth(files) ?? { pid: 0, startTime: '', bootId: '', startedMs: endedMs };
  const { mode } = spec;
  const stdout = streamOf(files.folder, 'stdout', mode, ending.stdout);
  const stderr = streamOf(files.folder, 'stderr', mode, ending.stderr);
  return { id, ...birth, phase: 'ended', exit, endedMs, mode, stdin: 'closed', stdout, stderr };
}

function streamOf(
  folder: string,
  stream: StreamName,
  mode: OutputMode,
  { endOffset, lostBytes }: EofRecord,
): StreamRecord {
  const segments = listSegments(folder, stream);
  const keptBytes = segments.reduce((sum, { size }) => sum + size, 0);
  const droppedBytes = mode === 'log' ? endOffset - keptBytes : lostBytes;
  return { startOffset: segments[0]?.start ?? endOffset, endOffset, eof: true, lostBytes, droppedBytes };
}
