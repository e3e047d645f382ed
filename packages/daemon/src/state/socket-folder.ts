import { CircuitError } from '@circuit/base';
import { maxSocketPathBytes } from '@circuit/protocol';
import { randomBytes } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { errnoOf, stateError } from './fs-error.js';
import { socketFolderPrefix, type Surroundings } from './places.js';
import { ensurePrivateFolder, faultOfFolder } from './private-folder.js';

/** The name of a daemon's socket in its folder. */
const socketName = 'daemon.sock';

/**
 * A folder (0700) for the socket of one daemon and the path to bind, where nothing stands. `former` is the socket of the
 * previous holder of the lock: its folder is used again if it is still ours, which also removes what a crash left.
 * The mode of a socket is whatever the system makes it, so the folder alone protects it.
 */
export async function prepareSocket(where: Surroundings, former?: string): Promise<string> {
  if (former?.startsWith(socketFolderPrefix(where)) === true && (await isOurs(dirname(former), where.uid))) {
    await rm(former, { force: true });
    return former;
  }
  const prefix = socketFolderPrefix(where);
  if (prefix.endsWith('/')) await ensurePrivateFolder(prefix.slice(0, -1), where.uid);
  for (;;) {
    const folder = `${prefix}${randomBytes(4).toString('hex')}`;
    const path = join(folder, socketName);
    if (Buffer.byteLength(path) > maxSocketPathBytes)
      throw new CircuitError(
        'invalid',
        `socket path ${path} is longer than ${maxSocketPathBytes} bytes: set XDG_RUNTIME_DIR or TMPDIR to a shorter one`,
        { detail: 'too-long' },
      );
    try {
      // Not recursive: a folder that somebody made before us must not be taken for ours.
      await mkdir(folder, { mode: 0o700 });
      return path;
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw stateError(error, `make folder ${folder}`);
    }
  }
}

/** Removes the socket and its folder. */
export async function removeSocket(path: string): Promise<void> {
  await rm(dirname(path), { recursive: true, force: true });
}

async function isOurs(folder: string, uid: number | undefined): Promise<boolean> {
  try {
    return (await faultOfFolder(folder, uid)) === undefined;
  } catch {
    return false;
  }
}
