import { CircuitError } from '@circuit/base';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { stateError } from './fs-error.js';
import { isRunning, ownIdentity, type ProcessIdentity, type ProcessTable } from './process-identity.js';
import { createRecord, readRecord, replaceRecord } from './record-file.js';

/** The right to use a state folder. */
export interface FolderLock {
  readonly holder: ProcessIdentity;
  /** Lets others have it. A process that ends without this is found dead by its identity. */
  release(): Promise<void>;
}

/**
 * Takes the lock of `folder`: of several processes that try exactly one gets it. Rejects with `conflict` (detail `locked`)
 * that names the pid when a living process holds it; that of a dead one is taken over.
 *
 * The lock is the file `lock.N` of the highest N, and who holds it wrote it. To take it means to make `lock.N+1`, which the
 * system grants to one. The highest file is never removed, so nobody can make its number again; lower ones are litter. (To
 * remove a dead holder's file would let a slow process remove the file of its successor.)
 */
export async function lockFolder(folder: string, table: ProcessTable): Promise<FolderLock> {
  const holder = await ownIdentity(table);
  for (;;) {
    const highest = (await generations(folder)).at(-1) ?? 0;
    if (highest > 0) await refuseIfHeld(folder, highest, table);
    const mine = highest + 1;
    if (!(await createRecord(lockFile(folder, mine), { version: 1, ...holder }))) continue;
    const now = await generations(folder);
    if (now.at(-1) !== mine) {
      // Made long after it was looked for: others have come and gone since, and this number is litter.
      await rm(lockFile(folder, mine), { force: true });
      continue;
    }
    for (const older of now.slice(0, -1)) await rm(lockFile(folder, older), { force: true });
    return {
      holder,
      release: () => replaceRecord(lockFile(folder, mine), { version: 1, ...holder, released: true }),
    };
  }
}

async function refuseIfHeld(folder: string, generation: number, table: ProcessTable): Promise<void> {
  const record = await readRecord(lockFile(folder, generation));
  // Gone: a newer one stands. Garbage: nobody of us wrote it, for ours appear whole.
  if (record === undefined || record.released === true) return;
  const who = readIdentity(record);
  if (who === undefined || !(await isRunning(who, table))) return;
  throw new CircuitError('conflict', `state folder ${folder} is in use by process ${who.pid}`, { detail: 'locked' });
}

/** The identity in a record from disk. */
export function readIdentity(record: Readonly<Record<string, unknown>>): ProcessIdentity | undefined {
  const { bootId, pid, startTime } = record;
  if (typeof bootId !== 'string' || typeof startTime !== 'string') return undefined;
  if (!Number.isSafeInteger(pid) || (pid as number) < 1) return undefined;
  return { bootId, pid: pid as number, startTime };
}

async function generations(folder: string): Promise<number[]> {
  try {
    const names = await readdir(folder);
    const numbers = names.flatMap((name) => /^lock\.([1-9]\d{0,14})$/.exec(name)?.[1] ?? []).map(Number);
    return numbers.sort((a, b) => a - b);
  } catch (error) {
    throw stateError(error, `read folder ${folder}`);
  }
}

function lockFile(folder: string, generation: number): string {
  return join(folder, `lock.${generation}`);
}
