import { CircuitError, isCircuitError } from '@circuit/base';
import { join } from 'node:path';
import { ed25519Bytes, ServerIdentity } from './identity.js';
import { readMachineId } from './machine-id.js';
import { createSecretFile, readSecretFile, replaceSecretFile } from './secret-file.js';

/** The name of the file in a state folder. */
export const identityFileName = 'identity.json';

/** The identity of a server as its state folder holds it. */
export interface StoredIdentity {
  readonly identity: ServerIdentity;
  /** Why it is a new one, for the log; absent when it was there. */
  readonly reason?: string;
  /** Why others may know its key. */
  readonly warning?: string;
}

interface Content {
  readonly seed: Uint8Array;
  readonly machine: string | null;
}

export interface IdentityOptions {
  /** Reads a digest of the machine's id; `undefined` where there is none. */
  readonly machineId?: () => Promise<string | undefined>;
}

/**
 * The identity kept in `stateFolder`, made if there is none. One that was made on another machine (a cloned image, a
 * copied folder) is replaced by a new one, since two servers with one id would be taken for one. Where one of the two machines
 * has no id the identity stays: two live servers of one id are still found out by the cluster.
 *
 * The caller holds the lock of the folder. A file that cannot be understood is an `invalid` error, never replaced: all
 * paths of the server hang on it.
 */
export async function loadIdentity(stateFolder: string, options: IdentityOptions = {}): Promise<StoredIdentity> {
  const path = join(stateFolder, identityFileName);
  const machine = (await (options.machineId ?? readMachineId)()) ?? null;
  const present = await readIfPresent(path);
  if (present === undefined) return makeIdentity(path, machine);
  const { content, warning } = present;
  if (content.machine !== null && machine !== null && content.machine !== machine) {
    const old = new ServerIdentity(content.seed);
    return replaceIdentity(path, machine, `${stateFolder} was made on another machine, where it is ${old.id}`);
  }
  return { identity: new ServerIdentity(content.seed), ...(warning === undefined ? {} : { warning }) };
}

/** Puts a new identity in place of the one in `stateFolder`; `reason` says why, for the log. */
export async function renewIdentity(
  stateFolder: string,
  reason: string,
  options: IdentityOptions = {},
): Promise<StoredIdentity> {
  const machine = (await (options.machineId ?? readMachineId)()) ?? null;
  return replaceIdentity(join(stateFolder, identityFileName), machine, reason);
}

async function makeIdentity(path: string, machine: string | null): Promise<StoredIdentity> {
  const identity = ServerIdentity.generate();
  if (await createSecretFile(path, format({ seed: identity.seed(), machine })))
    return { identity, reason: `${path} did not exist` };
  // Somebody else was first in spite of the lock; what is in the file counts.
  const present = await readIfPresent(path);
  if (present === undefined) throw new CircuitError('io', `read ${path}: it went away while it was read`);
  return { identity: new ServerIdentity(present.content.seed) };
}

async function replaceIdentity(path: string, machine: string | null, reason: string): Promise<StoredIdentity> {
  const identity = ServerIdentity.generate();
  await replaceSecretFile(path, format({ seed: identity.seed(), machine }));
  return { identity, reason };
}

async function readIfPresent(path: string): Promise<{ content: Content; warning?: string } | undefined> {
  try {
    const { text, warning } = await readSecretFile(path);
    const content = parse(text);
    if (content === undefined)
      throw new CircuitError(
        'invalid',
        `${path} is no identity of a server: restore it, or remove it to get a new one`,
        {
          detail: 'identity-garbage',
        },
      );
    return { content, ...(warning === undefined ? {} : { warning }) };
  } catch (error) {
    if (isCircuitError(error, 'not-found')) return undefined;
    throw error;
  }
}

function format({ seed, machine }: Content): string {
  return `${JSON.stringify({ version: 1, machine, seed: Buffer.from(seed).toString('base64') })}\n`;
}

function parse(text: string): Content | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { version, machine, seed } = value as Record<string, unknown>;
  if (version !== 1 || typeof seed !== 'string' || (machine !== null && typeof machine !== 'string')) return undefined;
  const bytes = Buffer.from(seed, 'base64');
  return bytes.length === ed25519Bytes.seed ? { seed: bytes, machine } : undefined;
}
