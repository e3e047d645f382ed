import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isCircuitError, type Logger, toCircuitError } from '@circuit/base';
import { makeFolder } from '@circuit/base/node';
import { stateError } from '../../state/fs-error.js';
import { type ProcRecord, readProcRecord, writeProcRecord } from './proc-record.js';

const suffix = '.json';

/**
 * Which process stands at which path, one file a process, in the state folder. A record is there before the process
 * starts and goes before the keeper forgets it: after a crash each process is either back at its path or nobody's.
 */
export class ProcFolder {
  readonly #folder: string;
  readonly #logger: Logger;

  constructor(folder: string, logger: Logger) {
    this.#folder = folder;
    this.#logger = logger;
  }

  /** All records, in the order of their numbers. One that cannot be understood is logged and left where it is. */
  async load(): Promise<readonly ProcRecord[]> {
    await makeFolder(this.#folder);
    const records: ProcRecord[] = [];
    for (const name of await readdir(this.#folder)) {
      if (!name.endsWith(suffix)) continue;
      const id = name.slice(0, -suffix.length);
      try {
        records.push(readProcRecord(await readFile(this.#file(id), 'utf8'), id));
      } catch (error) {
        if (!isCircuitError(error)) throw toCircuitError(error, 'io');
        this.#logger.error('a process cannot be brought back to its path', {
          file: this.#file(id),
          error: error.message,
        });
      }
    }
    return records.sort((a, b) => a.number - b.number);
  }

  /** Keeps `record`; it survives a crash of the daemon from then on. */
  async save(record: ProcRecord): Promise<void> {
    const file = this.#file(record.id);
    try {
      await writeFile(`${file}.new`, writeProcRecord(record), { mode: 0o600 });
      await rename(`${file}.new`, file);
    } catch (error) {
      await rm(`${file}.new`, { force: true });
      throw stateError(error, `write ${file}`);
    }
  }

  async remove(id: string): Promise<void> {
    await rm(this.#file(id), { force: true });
  }

  #file(id: string): string {
    return join(this.#folder, `${id}${suffix}`);
  }
}
