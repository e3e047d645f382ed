import { CircuitError } from '@circuit/base';
import { makeFolder } from '@circuit/base/node';
import { constants, type FileHandle, link, open, rename, rm } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { dirname } from 'node:path';
import { errnoOf, fileError } from './fs-error.js';

/** A file as it was read. */
export interface SecretFile {
  readonly text: string;
  /** Why the secret may be known to others; absent when only its owner can read it. */
  readonly warning?: string;
}

/** Larger files are no secrets of ours. */
const maxSecretFileBytes = 16_384;

/** Reads `path`. Fails with `not-found`, `denied`, `invalid` (too large, no file) or `io`. */
export async function readSecretFile(path: string): Promise<SecretFile> {
  try {
    // Without O_NONBLOCK the open of a FIFO would wait for a writer for ever.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      return await readOpen(file, path);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw fileError(error, `read ${path}`);
  }
}

/**
 * Makes `path` (0600, in folders of 0700) with `text` unless it exists; tells whether it did. The file appears whole: of
 * several who try at once exactly one succeeds, and the others can read it at once.
 */
export async function createSecretFile(path: string, text: string): Promise<boolean> {
  return withTemporary(path, text, async (temporary) => {
    try {
      await link(temporary, path);
      return true;
    } catch (error) {
      if (errnoOf(error) === 'EEXIST') return false;
      throw error;
    } finally {
      await rm(temporary, { force: true });
    }
  });
}

/** Puts `text` in the place of `path` (0600) in one step; a crash leaves the old or the new one. */
export async function replaceSecretFile(path: string, text: string): Promise<void> {
  await withTemporary(path, text, (temporary) => rename(temporary, path));
}

async function withTemporary<T>(path: string, text: string, place: (temporary: string) => Promise<T>): Promise<T> {
  const folder = dirname(path);
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    await makeFolder(folder);
    try {
      await writeSynced(temporary, text);
      const placed = await place(temporary);
      await syncFolder(folder);
      return placed;
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  } catch (error) {
    throw fileError(error, `write ${path}`);
  }
}

async function writeSynced(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function readOpen(file: FileHandle, path: string): Promise<SecretFile> {
  const facts = await file.stat();
  if (!facts.isFile()) throw notSecret(path, 'it is no regular file');
  if (facts.size > maxSecretFileBytes)
    throw notSecret(path, `it has ${facts.size} bytes, at most ${maxSecretFileBytes} are read`);
  const buffer = Buffer.alloc(maxSecretFileBytes);
  const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
  const text = buffer.toString('utf8', 0, bytesRead);
  const warning = exposure(facts.mode, facts.uid, path);
  return warning === undefined ? { text } : { text, warning };
}

function notSecret(path: string, why: string): CircuitError {
  return new CircuitError('invalid', `read ${path}: ${why}: name another file`, { detail: 'no-file' });
}

function exposure(mode: number, owner: number, path: string): string | undefined {
  const self = process.getuid?.();
  if (self === undefined) return undefined;
  if ((mode & 0o077) !== 0)
    return `${path} has mode ${(mode & 0o777).toString(8).padStart(4, '0')}: others may read or change it; run chmod 600 ${path}`;
  if (owner !== self && owner !== 0) return `${path} belongs to user ${owner}: its owner knows the secret`;
  return undefined;
}
