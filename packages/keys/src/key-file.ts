import { CircuitError, isCircuitError } from '@circuit/base';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { generateKey, type Key } from './key.js';
import { formatKey, parseKey } from './key-text.js';
import { createSecretFile, readSecretFile } from './secret-file.js';

/** A key and the file it came from. */
export interface KeyFile {
  readonly key: Key;
  readonly path: string;
  /** Whether this call made the file. */
  readonly made: boolean;
  /** For the operator: why others may know the key. */
  readonly warning?: string;
}

/** What {@link defaultKeyPath} looks at; absent means this process. */
export interface HomePlaces {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly home?: string;
}

/** The key of this user: `circuit/key` below `$XDG_CONFIG_HOME`, else below `~/.config`. A relative variable is ignored, as the XDG base directory specification wants. */
export function defaultKeyPath({ env = process.env, home = homedir() }: HomePlaces = {}): string {
  const configured = env['XDG_CONFIG_HOME'];
  const base = configured !== undefined && isAbsolute(configured) ? configured : join(home, '.config');
  return join(base, 'circuit', 'key');
}

/** Reads the key file `path`. Fails with `not-found`, `denied`, `invalid` or `io`, each with a remedy. */
export async function readKeyFile(path: string): Promise<KeyFile> {
  const { text, warning } = await readSecretFile(path);
  const reading = parseKey(text, `file ${path}`);
  if (!reading.ok) throw reading.error;
  return { key: reading.key, path, made: false, ...(warning === undefined ? {} : { warning }) };
}

/** Writes `key` to a new file `path` of mode 0600; an existing one is a `conflict` and stays as it is. */
export async function writeKeyFile(path: string, key: Key): Promise<void> {
  if (!(await createSecretFile(path, formatKey(key))))
    throw new CircuitError('conflict', `write ${path}: it exists already: remove it first or choose another name`, {
      detail: 'EEXIST',
    });
}

/**
 * Reads the key file `path`, after making it with a new key if there is none. Of several processes that do so at once one
 * makes the file and all get the same key.
 */
export async function ensureKeyFile(path: string = defaultKeyPath()): Promise<KeyFile> {
  const present = await readIfPresent(path);
  if (present !== undefined) return present;
  const made = await createSecretFile(path, formatKey(generateKey()));
  return { ...(await readKeyFile(path)), made };
}

async function readIfPresent(path: string): Promise<KeyFile | undefined> {
  try {
    return await readKeyFile(path);
  } catch (error) {
    if (isCircuitError(error, 'not-found')) return undefined;
    throw error;
  }
}
