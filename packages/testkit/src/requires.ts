import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/**
 * Whether all `programs` are installed: for `test.skipIf(!requires('haproxy'))`. What is missing is named in a line of the
 * output; with `CIRCUIT_TEST_ALL=1` it throws instead, so that nothing is passed over where everything has to be there.
 */
export function requires(...programs: readonly string[]): boolean {
  const missing = programs.filter((program) => programPath(program) === undefined);
  if (missing.length === 0) return true;
  const message = `needs ${missing.join(', ')}, which scripts/install-test-tools.sh installs`;
  if (process.env.CIRCUIT_TEST_ALL === '1') throw new Error(message);
  console.log(`skipped: ${message}`);
  return false;
}

/** Where `program` is installed; also looks into the folders of system programs, which a user's PATH may lack. */
export function programPath(program: string): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return folders.map((folder) => join(folder, program)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
