import { createHash } from 'node:crypto';
import { socketFolderPrefix, type Surroundings } from './state/places.js';
import { ensurePrivateFolder } from './state/private-folder.js';

/** The keepers' own part of a socket's path and their number fit behind a folder of this length. */
const longestStateBytes = 70;

/**
 * Where the keepers of a state folder have their sockets: in it (`undefined`), or if that would make their paths too long
 * in a folder that follows from its path, since keepers outlive the daemon and the next one must find them.
 */
export async function keeperSocketFolder(stateFolder: string, where: Surroundings): Promise<string | undefined> {
  if (Buffer.byteLength(stateFolder) <= longestStateBytes) return undefined;
  const digits = createHash('sha256').update(stateFolder).digest('hex').slice(0, 16);
  const folder = `${socketFolderPrefix(where)}keepers-${digits}`;
  await ensurePrivateFolder(folder, where.uid);
  return folder;
}
