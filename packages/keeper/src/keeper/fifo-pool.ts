import { execFile } from 'node:child_process';
import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { CircuitError } from '@circuit/base';

/** FIFOs made by one run of `mkfifo`, and the least that is kept ready. */
const batch = 96;
const low = 24;

/**
 * Ready-made FIFOs, since Node cannot make one and a run of `mkfifo` per process would double the cost of a start. A FIFO
 * serves one process and is then removed, so that no late holder of an end can reach the next process.
 */
export class FifoPool {
  readonly #folder: string;
  #ready: string[] = [];
  #made = 0;
  #making: Promise<void> | undefined;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Empties the folder of what an earlier keeper left and makes the first batch. */
  async open(): Promise<void> {
    rmSync(this.#folder, { recursive: true, force: true });
    mkdirSync(this.#folder, { mode: 0o700 });
    await this.#make();
  }

  /** Moves one ready FIFO to each of `targets`. Rejects with `limit` when the system makes no more. */
  async take(targets: readonly string[]): Promise<void> {
    while (this.#ready.length < targets.length) await this.#make();
    for (const target of targets) {
      const fifo = this.#ready.pop();
      if (fifo !== undefined) renameSync(fifo, target);
    }
    if (this.#ready.length < low) this.#make().catch(ignore);
  }

  #make(): Promise<void> {
    this.#making ??= this.#run().finally(() => {
      this.#making = undefined;
    });
    return this.#making;
  }

  async #run(): Promise<void> {
    const names: string[] = [];
    for (let i = 0; i < batch; i += 1) names.push(join(this.#folder, String(this.#made + i)));
    this.#made += batch;
    await new Promise<void>((resolve, reject) => {
      execFile('mkfifo', ['-m', '600', ...names], (error, _, stderr) => {
        if (error === null) resolve();
        else reject(new CircuitError('limit', `mkfifo in ${this.#folder}: ${stderr.trim() || error.message}`));
      });
    });
    this.#ready.push(...names);
  }
}

// The next take tells the same error to somebody who can act on it.
function ignore(): void {}
