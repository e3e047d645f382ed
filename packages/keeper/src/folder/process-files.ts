import { join } from 'node:path';
import type { StreamName } from '../client/types.js';

/** The two streams, in the order in which they are treated. */
export const streamNames: readonly StreamName[] = ['stdout', 'stderr'];

/** The names inside the folder of one keeper. */
export interface KeeperFiles {
  readonly folder: string;
  /** Who the keeper is: a {@link KeeperRecord}. */
  readonly record: string;
  /** The copy of the bundle that runs. */
  readonly bundle: string;
  readonly log: string;
  /** FIFOs not yet given to a process. */
  readonly fifos: string;
  /** One folder per process. */
  readonly processes: string;
}

/** The names inside the folder of one process. */
export interface ProcessFiles {
  readonly folder: string;
  readonly spec: string;
  readonly birth: string;
  readonly exit: string;
  fifo(stream: StreamName | 'stdin'): string;
}

/** Names only; nothing is read or made. */
export function keeperFiles(folder: string): KeeperFiles {
  return {
    folder,
    record: join(folder, 'keeper.json'),
    bundle: join(folder, 'keeper.mjs'),
    log: join(folder, 'keeper.log'),
    fifos: join(folder, 'fifos'),
    processes: join(folder, 'processes'),
  };
}

/** Names only; nothing is read or made. */
export function processFiles(keeper: KeeperFiles, id: string): ProcessFiles {
  const folder = join(keeper.processes, id);
  return {
    folder,
    spec: join(folder, 'spec.json'),
    birth: join(folder, 'birth.json'),
    exit: join(folder, 'exit.json'),
    fifo: (stream) => join(folder, `${stream}.fifo`),
  };
}
