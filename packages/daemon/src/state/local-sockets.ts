import { isCircuitError } from '@circuit/base';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readIdentity } from './folder-lock.js';
import { errnoOf, stateError } from './fs-error.js';
import { numberedFolder, ownSurroundings, stateBase, type Surroundings } from './places.js';
import { isRunning, ownProcesses, type ProcessTable } from './process-identity.js';
import { readRecord } from './record-file.js';
import { daemonFileName } from './state-folder.js';

/** A daemon of this user on this machine. */
export interface LocalSocket {
  readonly folder: string;
  readonly socketPath: string;
  readonly pid: number;
}

/** The running daemons with a default state folder, by the number of the folder. Whoever cannot be looked at is left out. */
export async function findLocalSockets(
  where: Surroundings = ownSurroundings(),
  processes: ProcessTable = ownProcesses(),
): Promise<readonly LocalSocket[]> {
  const base = stateBase(where);
  const numbers = (await namesIn(base)).filter((name) => /^[1-9]\d{0,2}$/.test(name)).map(Number);
  const found: LocalSocket[] = [];
  for (const number of numbers.sort((a, b) => a - b)) {
    const socket = await socketOf(numberedFolder(base, number), processes);
    if (socket !== undefined) found.push(socket);
  }
  return found;
}

/** The running daemon of one state folder. */
export async function socketOf(
  folder: string,
  processes: ProcessTable = ownProcesses(),
): Promise<LocalSocket | undefined> {
  const record = await readRecord(join(folder, daemonFileName)).catch((error: unknown) => {
    if (isCircuitError(error, 'denied')) return undefined;
    throw error;
  });
  const who = record?.version === 1 ? readIdentity(record) : undefined;
  if (who === undefined || typeof record?.socket !== 'string') return undefined;
  return (await isRunning(who, processes)) ? { folder, socketPath: record.socket, pid: who.pid } : undefined;
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT' || errno === 'EACCES') return [];
    throw stateError(error, `read folder ${folder}`);
  }
}
