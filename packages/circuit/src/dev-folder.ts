import { lstat, mkdtemp, readdir, rm } from 'node:fs/promises';
import { createConnection, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const prefix = 'circuit-dev-';

/** The name of the socket that answers as long as the owner of a folder lives. The kernel alone can say that without an error. */
const aliveName = 'alive';

/** The folder of one throw-away cluster. Whoever makes it removes it; what the killed leave is found by {@link abandonedFolders}. */
export class DevFolder {
  readonly path: string;
  readonly #alive: Server;

  private constructor(path: string, alive: Server) {
    this.path = path;
    this.#alive = alive;
  }

  static async make(): Promise<DevFolder> {
    const path = await mkdtemp(join(tmpdir(), prefix));
    const alive = createServer((socket) => socket.destroy());
    alive.unref();
    await new Promise<void>((resolve) => {
      // Without the socket, on a path too long for one, the folder is never taken for an abandoned one.
      alive.once('error', () => resolve());
      alive.listen(join(path, aliveName), () => resolve());
    });
    return new DevFolder(path, alive);
  }

  async remove(): Promise<void> {
    this.#alive.close();
    await removeFolder(this.path);
  }
}

/** Removes a folder that others may still be leaving. */
export async function removeFolder(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 20 });
}

/** The folders of throw-away clusters of this user whose owners are dead. */
export async function abandonedFolders(): Promise<readonly string[]> {
  // Folders may be made where nobody may look: then none is found.
  const all = await readdir(tmpdir()).catch(() => []);
  const names = all.filter((name) => name.startsWith(prefix));
  const paths = names.map((name) => join(tmpdir(), name));
  const abandoned = await Promise.all(paths.map(isAbandoned));
  return paths.filter((_, i) => abandoned[i]);
}

async function isAbandoned(path: string): Promise<boolean> {
  const found = await lstat(path).catch(() => undefined);
  if (found?.isDirectory() !== true || found.uid !== process.getuid?.()) return false;
  return new Promise((resolve) => {
    const socket = createConnection(join(path, aliveName));
    socket.once('connect', () => {
      socket.destroy();
      resolve(false);
    });
    // Any other error proves nothing: a folder that is being made has no socket yet.
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED'));
  });
}
