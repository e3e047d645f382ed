import { isCircuitError } from '@circuit/base';
import type { Key } from '@circuit/keys';
import { isLoopback } from './loopback.js';

/** Where a key may come from; the first that is given counts. */
export interface KeyPlaces {
  readonly key?: Key | undefined;
  readonly keyFile?: string | undefined;
  /** The environment, with `CIRCUIT_HMAC`; this process's by default. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
}

/**
 * The key for a server at `host`: the one given, else that of the file given, else of the file that `CIRCUIT_HMAC` names; on loopback also the
 * key of this user, if there is one. A file that is named and cannot be read rejects.
 */
export async function findKey(host: string, { key, keyFile, env = process.env }: KeyPlaces): Promise<Key | undefined> {
  if (key !== undefined) return key;
  const { defaultKeyPath, readKeyFile } = await import('@circuit/keys');
  const named = keyFile ?? nonEmpty(env['CIRCUIT_HMAC']);
  if (named !== undefined) return (await readKeyFile(named)).key;
  if (!isLoopback(host)) return undefined;
  try {
    return (await readKeyFile(defaultKeyPath({ env }))).key;
  } catch (error) {
    if (isCircuitError(error, 'not-found')) return undefined;
    throw error;
  }
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}
