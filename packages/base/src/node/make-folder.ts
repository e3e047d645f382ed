import { lstat, mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Makes the folder `path`, and the parents that are missing, with the mode 0700. What stands at `path` already is left as it is, whatever it
 * is: the caller judges it. Rejects with the system's error.
 *
 * Node's own `recursive` never ends where the file system answers ENOENT below a folder that is there, as /proc does.
 */
export async function makeFolder(path: string): Promise<void> {
  try {
    await makeOne(path);
  } catch (error) {
    const parent = dirname(path);
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || parent === path) throw error;
    await makeFolder(parent);
    await makeOne(path);
  }
}

async function makeOne(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    // On a read-only file system it is no matter that what is there cannot be made.
    const there = await lstat(path).catch(() => undefined);
    if (there === undefined) throw error;
  }
}
