import { CircuitError } from '@circuit/base';
import { makeFolder } from '@circuit/base/node';
import { chmod, lstat, readdir } from 'node:fs/promises';
import { stateError } from './fs-error.js';

/**
 * Makes `path` (0700, with its parents) or checks the one that is there: a folder of this user that nobody else can look into.
 * An empty one of ours is narrowed to 0700; others are refused with `denied`, since what lies in them may be meant for others.
 */
export async function ensurePrivateFolder(path: string, uid: number | undefined): Promise<void> {
  try {
    await makeFolder(path);
    const fault = await faultOfFolder(path, uid);
    if (fault === undefined) return;
    if (fault.narrowable && (await readdir(path)).length === 0) {
      await chmod(path, 0o700);
      return;
    }
    throw new CircuitError('denied', `folder ${path}: ${fault.what}`, { detail: 'exposed' });
  } catch (error) {
    throw stateError(error, `prepare folder ${path}`);
  }
}

/** Why `path` is no private folder of `uid`; `undefined` when it is one. Symbolic links are not followed. */
export async function faultOfFolder(
  path: string,
  uid: number | undefined,
): Promise<{ readonly what: string; readonly narrowable: boolean } | undefined> {
  const facts = await lstat(path);
  if (facts.isSymbolicLink()) return { what: 'it is a symbolic link, name the folder itself', narrowable: false };
  if (!facts.isDirectory()) return { what: 'it is no folder', narrowable: false };
  if (uid === undefined) return undefined;
  if (facts.uid !== uid) return { what: `it belongs to user ${facts.uid}, not to ${uid}`, narrowable: false };
  const mode = facts.mode & 0o777;
  if ((mode & 0o077) === 0) return undefined;
  return { what: `others can reach it (mode ${mode.toString(8).padStart(4, '0')}), run chmod 700`, narrowable: true };
}
