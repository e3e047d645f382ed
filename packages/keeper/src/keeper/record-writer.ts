import type { Clock, Logger, Timer } from '@circuit/base';
import { writeFirstJson, writeJson } from '../folder/json-file.js';

const retryMs = 1000;

/** Writes records that must not be lost to a full disk: what fails is kept in memory and tried again. */
export class RecordWriter {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #pending = new Map<string, unknown>();
  #retry: Timer | undefined;

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock;
    this.#logger = logger;
  }

  /** Whether every record is on disk. */
  get settled(): boolean {
    return this.#pending.size === 0;
  }

  /** Writes `value` to `file` now, or as soon as the disk takes it. */
  write(file: string, value: unknown): void {
    this.#attempt(file, value, writeJson);
  }

  /** The same for a file that has no earlier content to protect: half the cost. */
  writeFirst(file: string, value: unknown): void {
    this.#attempt(file, value, writeFirstJson);
  }

  #attempt(file: string, value: unknown, put: (file: string, value: unknown) => void): void {
    try {
      put(file, value);
      this.#pending.delete(file);
    } catch (error) {
      if (!this.#pending.has(file))
        this.#logger.warn('record not written, trying again', { file, error: String(error) });
      this.#pending.set(file, value);
      this.#retry ??= this.#clock.after(retryMs, () => this.#tryAgain());
    }
  }

  /** Gives up on what is not yet written below `folder`, which is to be removed. */
  forget(folder: string): void {
    for (const file of this.#pending.keys()) if (file.startsWith(`${folder}/`)) this.#pending.delete(file);
  }

  #tryAgain(): void {
    this.#retry = undefined;
    for (const [file, value] of [...this.#pending]) this.write(file, value);
  }
}
