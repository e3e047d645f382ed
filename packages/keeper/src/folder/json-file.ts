import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';

/**
 * Writes a record so that a reader sees the old one, the new one or none, never half of one. Mode 0600. Not synced: after
 * a loss of power a record may be missing or empty, which {@link readJson} tells as undefined. Throws the system's error.
 */
export function writeJson(file: string, value: unknown): void {
  const fresh = `${file}.new`;
  try {
    writeFileSync(fresh, JSON.stringify(value), { mode: 0o600 });
    renameSync(fresh, file);
  } catch (error) {
    rmSync(fresh, { force: true });
    throw error;
  }
}

/** Writes the first record of its name in a folder of its own: a torn one reads as none, so it needs no rename. Throws. */
export function writeFirstJson(file: string, value: unknown): void {
  writeFileSync(file, JSON.stringify(value), { mode: 0o600 });
}

/** The object in `file`; undefined when the file is missing, torn or holds something else. */
export function readJson(file: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    return value as Readonly<Record<string, unknown>>;
  } catch {
    return undefined;
  }
}
