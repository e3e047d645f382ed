import { constants, mkdirSync, openSync, rmSync } from 'node:fs';
import { CircuitError, type Clock, type Logger } from '@circuit/base';
import type { ProcessSpec, StreamName } from '../client/types.js';
import { writeFirstJson } from '../folder/json-file.js';
import { type KeeperFiles, type ProcessFiles, processFiles, streamNames } from '../folder/process-files.js';
import { readBirth, readExit, readSpec } from '../folder/records.js';
import { errnoOf } from '../platform/executable.js';
import { FifoPool } from './fifo-pool.js';
import { HeldProcess } from './held-process.js';
import { Output } from './output.js';
import { RecordWriter } from './record-writer.js';
import { Stdin } from './stdin.js';

export interface ProcessStoreOptions {
  readonly files: KeeperFiles;
  readonly segmentBytes: number;
  /** Called when bytes were kept, with what is now kept in all. */
  readonly grown: (totalBytes: number) => void;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What a {@link HeldProcess} is made from. */
export interface NewProcess {
  readonly sequence: number;
  readonly birth: HeldProcess['birth'];
  readonly spec: Pick<ProcessSpec, 'id' | 'mode' | 'keepBytes' | 'windowBytes'>;
  /** Called when a stream of the process has ended. */
  readonly streamEnded: () => void;
}

// A segment is at most a quarter of what is kept, so that dropping whole ones keeps at least three quarters.
const segmentsKept = 4;

/** The folder of a keeper: makes, loads and removes the folders of processes. */
export class ProcessStore {
  readonly records: RecordWriter;
  readonly fifos: FifoPool;
  readonly #options: ProcessStoreOptions;
  readonly #total = { bytes: 0 };
  readonly #buffer = Buffer.allocUnsafe(65_536);

  constructor(options: ProcessStoreOptions) {
    this.#options = options;
    this.records = new RecordWriter(options.clock, options.logger);
    this.fifos = new FifoPool(options.files.fifos);
  }

  /** Bytes on disk of all processes together. */
  get totalBytes(): number {
    return this.#total.bytes;
  }

  filesOf(id: string): ProcessFiles {
    return processFiles(this.#options.files, id);
  }

  /** The folder of a new process, with its spec and its three FIFOs. Rejects with `limit` for a full disk, leaving nothing. */
  async create(spec: ProcessSpec): Promise<ProcessFiles> {
    const files = this.filesOf(spec.id);
    try {
      mkdirSync(files.folder, { mode: 0o700 });
      writeFirstJson(files.spec, spec);
      await this.fifos.take([files.fifo('stdin'), files.fifo('stdout'), files.fifo('stderr')]);
    } catch (error) {
      if (errnoOf(error) === 'EEXIST')
        throw new CircuitError('conflict', `process ${spec.id} exists`, { cause: error });
      this.remove(files);
      if (error instanceof CircuitError) throw error;
      throw new CircuitError('limit', `start ${spec.id}: ${String(error)}`, { cause: error, detail: errnoOf(error) });
    }
    return files;
  }

  /** A process whose streams are not yet attached. */
  hold({ sequence, birth, spec, streamEnded }: NewProcess): HeldProcess {
    const { id, mode, keepBytes, windowBytes } = spec;
    const files = this.filesOf(id);
    const share = mode === 'log' ? Math.floor(keepBytes / segmentsKept) : windowBytes;
    const segmentBytes = Math.min(this.#options.segmentBytes, share);
    const { clock } = this.#options;
    const total = this.#total;
    const grown = (): void => {
      held.keepBound();
      this.#options.grown(total.bytes);
    };
    const tools = { clock, total, buffer: this.#buffer, grown, ended: streamEnded };
    const output = (stream: StreamName): Output =>
      new Output({ files, stream, mode, windowBytes, segmentBytes }, tools);
    const held: HeldProcess = new HeldProcess({
      id,
      sequence,
      files,
      birth,
      mode,
      keepBytes,
      stdin: new Stdin(files.fifo('stdin')),
      stdout: output('stdout'),
      stderr: output('stderr'),
    });
    return held;
  }

  /** What an earlier keeper left of process `id`: its end if that was recorded, its streams taken up where they stopped. */
  load(id: string, sequence: number, streamEnded: () => void): HeldProcess | undefined {
    const files = this.filesOf(id);
    const spec = readSpec(files, id);
    const birth = readBirth(files);
    if (spec === undefined) {
      // Killed before anything was started.
      this.remove(files);
      return undefined;
    }
    const held = this.hold({ sequence, birth: birth ?? unborn, spec, streamEnded });
    const exit = readExit(files);
    if (exit !== undefined) held.endedBefore(exit);
    else if (birth !== undefined) held.stdin.adopt();
    for (const stream of streamNames) held.output(stream).adopt(exit?.[stream], () => openRead(files.fifo(stream)));
    return held;
  }

  /** Removes all that the disk holds of a process. */
  remove(files: ProcessFiles): void {
    this.records.forget(files.folder);
    rmSync(files.folder, { recursive: true, force: true });
  }
}

// The keeper was killed between the start and the record of it: nothing can be said of this process, so pid 0 is nobody.
const unborn = { pid: 0, startTime: '', bootId: '', startedMs: 0 };

function openRead(fifo: string): number | undefined {
  try {
    return openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
}
