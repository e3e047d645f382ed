import { accessSync, constants, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/**
 * Whether all `programs` are installed: for `test.skipIf(!requires('haproxy'))`. What is missing is named in a line of the
 * output; with `CIRCUIT_TEST_ALL=1` it throws instead, so that nothing is passed over where everything has to be there.
 */
export function requires(...programs: readonly string[]): boolean {
  const missing = programs.filter((program) => programPath(program) === undefined);
  if (missing.length === 0) return true;
  return passOver(`needs ${missing.join(', ')}, which scripts/install-test-tools.sh installs`);
}

/** Whether a test may mount a small disk of its own; else the same as {@link requires}. */
export function requiresMount(): boolean {
  const may = process.platform === 'linux' && process.getuid?.() === 0;
  return may || passOver('needs root on Linux, to mount a small disk');
}

/** Whether this process may have `count` open files, as every connection is one; else the same as {@link requires}. Only Linux tells. */
export function requiresOpenFiles(count: number): boolean {
  if (process.platform !== 'linux') return true;
  const limit = /^Max open files +(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
  return limit === 'unlimited' || Number(limit) >= count || passOver(`needs ${count} open files, may have ${limit}`);
}

/** Says in a line of the output why a test is skipped; with `CIRCUIT_TEST_ALL=1` it throws instead. */
export function passOver(reason: string): false {
  if (process.env.CIRCUIT_TEST_ALL === '1') throw new Error(reason);
  console.log(`skipped: ${reason}`);
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
