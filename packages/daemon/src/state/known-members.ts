import { join } from 'node:path';
import { readRecord, replaceRecord } from './record-file.js';

/** Where another server was last seen. */
export interface KnownMember {
  readonly id: string;
  readonly addr: string;
}

/** More are neither written nor read. */
const maxKnownMembers = 4096;

/** Keeps `members` for the next start: in one step, on the disk. Throws `io` when that is full, and `denied`. */
export async function writeKnownMembers(folder: string, members: readonly KnownMember[]): Promise<void> {
  const kept = members.slice(0, maxKnownMembers).map(({ id, addr }) => ({ id, addr }));
  await replaceRecord(join(folder, 'members.json'), { version: 1, members: kept });
}

/** What was kept last; what cannot be understood is left out, since it only saves a search. */
export async function readKnownMembers(folder: string): Promise<readonly KnownMember[]> {
  const record = await readRecord(join(folder, 'members.json'));
  if (record?.version !== 1 || !Array.isArray(record.members)) return [];
  return (record.members as readonly unknown[]).slice(0, maxKnownMembers).flatMap((item) => {
    const { id, addr } = typeof item === 'object' && item !== null ? (item as Record<string, unknown>) : {};
    return typeof id === 'string' && typeof addr === 'string' ? [{ id, addr }] : [];
  });
}
