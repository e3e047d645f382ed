import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { CircuitError } from '@circuit/base';
import type { NumberStore } from './namespace/numbers.js';
import { stateError } from './state/fs-error.js';

/** Keeps the end of the given element numbers in `file`. Writes once for very many numbers, so it may wait for the disk. */
export function numberFile(file: string): NumberStore {
  return {
    load() {
      const text = readIfPresent(file);
      if (text === undefined) return undefined;
      const end = Number(text.trim());
      // To begin anew would give numbers twice, and a handle could act on a stranger.
      if (!Number.isSafeInteger(end) || end < 1)
        throw new CircuitError('invalid', `${file} holds no number: remove it together with the folder's elements`);
      return end;
    },
    save(end) {
      try {
        writeFileSync(`${file}.new`, `${end}\n`, { mode: 0o600 });
        renameSync(`${file}.new`, file);
      } catch (error) {
        rmSync(`${file}.new`, { force: true });
        throw stateError(error, `write ${file}`);
      }
    },
  };
}

function readIfPresent(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new CircuitError('io', `read ${file}: ${String(error)}`, { cause: error });
  }
}
