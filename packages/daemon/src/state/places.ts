import { CircuitError } from '@circuit/base';
import { homedir, tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/** What decides where things lie; a parameter, so that tests and other users' views need no real environment. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The user; `undefined` where the system has none. */
  readonly uid: number | undefined;
  readonly home: string;
  readonly temp: string;
}

/** The surroundings of this process. */
export function ownSurroundings(): Surroundings {
  return { env: process.env, uid: process.getuid?.(), home: homedir(), temp: tmpdir() };
}

/** State folders that one user may have by default: `1` to this number. */
export const maxDefaultFolders = 256;

/** The folder that holds the numbered state folders. Throws `invalid` when there is neither a home nor `XDG_STATE_HOME`. */
export function stateBase({ env, uid, home }: Surroundings): string {
  if (uid === 0) return '/var/lib/circuit';
  const xdg = env.XDG_STATE_HOME;
  // The specification of base directories: a path that is not absolute is ignored.
  if (xdg !== undefined && isAbsolute(xdg)) return join(xdg, 'circuit');
  if (!isAbsolute(home)) throw new CircuitError('invalid', 'no home folder for the state: name one with --var');
  return join(home, '.local', 'state', 'circuit');
}

/** The default state folder of that number. */
export function numberedFolder(base: string, number: number): string {
  return join(base, String(number));
}

/** Under which names folders for sockets are made: the digits are put behind it. */
export function socketFolderPrefix({ env, uid, temp }: Surroundings): string {
  const runtime = env.XDG_RUNTIME_DIR;
  if (runtime !== undefined && isAbsolute(runtime)) return `${join(runtime, 'circuit')}/`;
  return join(temp, `circuit-${uid ?? 'user'}-`);
}
