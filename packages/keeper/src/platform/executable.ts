import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import type { StartRefusal } from '../client/types.js';

export interface ExecutableQuery {
  readonly path: string;
  readonly cwd: string;
  /** The PATH to search. */
  readonly searchPath: string;
}

export type FoundExecutable = { readonly ok: true; readonly file: string } | StartRefusal;

/**
 * Finds what to run, as a shell does: a path with a slash is taken from `cwd`, a name is searched on PATH, where a file
 * without permission is remembered while the search goes on. Asked before the spawn, because the spawn's own ENOENT
 * does not tell a missing folder from a missing program.
 */
export function findExecutable({ path, cwd, searchPath }: ExecutableQuery): FoundExecutable {
  const folder = folderError(cwd);
  if (folder !== undefined) return refusal('cwd', folder, `cannot start ${path}: folder ${cwd}: ${explain(folder)}`);
  if (path.includes('/')) {
    const file = resolve(cwd, path);
    const errno = fileError(file);
    if (errno === undefined) return { ok: true, file };
    return refusal('executable', errno, `cannot start ${file}: ${explain(errno)}`);
  }
  let denied: string | undefined;
  for (const entry of searchPath.split(delimiter)) {
    const file = join(resolve(cwd, entry), path);
    const errno = fileError(file);
    if (errno === undefined) return { ok: true, file };
    if (errno === 'EACCES') denied ??= file;
  }
  if (denied !== undefined) return refusal('executable', 'EACCES', `cannot start ${denied}: ${explain('EACCES')}`);
  return refusal('executable', 'ENOENT', `cannot start ${path}: not found on PATH ${searchPath}`);
}

/** The refusal for an error of the system. What is missing is 127, what is there and cannot be run is 126. */
function refusal(what: StartRefusal['what'], errno: string, message: string): StartRefusal {
  return errno === 'ENOENT' || errno === 'ENOTDIR'
    ? { ok: false, code: 'not-found', exitCode: 127, what, errno, message }
    : { ok: false, code: 'not-executable', exitCode: 126, what, errno, message };
}

/** A refusal for a spawn that failed although the file was found, most often a script whose interpreter is missing. */
export function spawnRefusal(file: string, errno: string): StartRefusal {
  const why = errno === 'ENOENT' ? 'its interpreter is missing' : explain(errno);
  return {
    ok: false,
    code: 'not-executable',
    exitCode: 126,
    what: 'executable',
    errno,
    message: `cannot start ${file}: ${why}`,
  };
}

function folderError(folder: string): string | undefined {
  try {
    if (!statSync(folder).isDirectory()) return 'ENOTDIR';
    accessSync(folder, constants.X_OK);
    return undefined;
  } catch (error) {
    return errnoOf(error);
  }
}

function fileError(file: string): string | undefined {
  try {
    if (!statSync(file).isFile()) return 'EACCES';
    accessSync(file, constants.X_OK);
    return undefined;
  } catch (error) {
    return errnoOf(error);
  }
}

/** The system's name of an error, such as `ENOENT`. */
export function errnoOf(error: unknown): string {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : 'EIO';
}

function explain(errno: string): string {
  switch (errno) {
    case 'ENOENT':
      return 'no such file (ENOENT)';
    case 'ENOTDIR':
      return 'not a folder (ENOTDIR)';
    case 'EACCES':
      return 'permission denied or not a program (EACCES)';
    case 'E2BIG':
      return 'arguments and environment are too long (E2BIG)';
    default:
      return errno;
  }
}
