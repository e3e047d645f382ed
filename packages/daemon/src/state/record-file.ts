import { randomBytes } from 'node:crypto';
import { constants, link, open, rename, rm } from 'node:fs/promises';
import { errnoOf, stateError } from './fs-error.js';

/** Larger records are not ours. */
const maxRecordBytes = 1_048_576;

/** Puts `value` as JSON (0600) in the place of `path` in one step and on the disk: a crash leaves the old or the new one. */
export async function replaceRecord(path: string, value: unknown): Promise<void> {
  await withTemporary(path, value, (temporary) => rename(temporary, path));
}

/** Makes `path` (0600) with `value` unless it exists; tells whether it did. It appears whole; of several exactly one makes it. */
export async function createRecord(path: string, value: unknown): Promise<boolean> {
  return withTemporary(path, value, async (temporary) => {
    try {
      await link(temporary, path);
      return true;
    } catch (error) {
      if (errnoOf(error) === 'EEXIST') return false;
      throw error;
    }
  });
}

/** The object in `path`; `undefined` when there is no file, or none that holds an object. Throws `denied`, `io`. */
export async function readRecord(path: string): Promise<Readonly<Record<string, unknown>> | undefined> {
  try {
    // Without O_NONBLOCK the open of a FIFO would wait for a writer.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const facts = await file.stat();
      if (!facts.isFile() || facts.size > maxRecordBytes) return undefined;
      return parseObject(await file.readFile('utf8'));
    } finally {
      await file.close();
    }
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT' || errno === 'ENOTDIR') return undefined;
    throw stateError(error, `read ${path}`);
  }
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    return value as Readonly<Record<string, unknown>>;
  } catch {
    return undefined;
  }
}

async function withTemporary<T>(path: string, value: unknown, place: (temporary: string) => Promise<T>): Promise<T> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(`${JSON.stringify(value)}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    return await place(temporary);
  } catch (error) {
    throw stateError(error, `write ${path}`);
  } finally {
    await rm(temporary, { force: true });
  }
}
