import { readFile } from 'node:fs/promises';

/** Which directions a descriptor is open for. */
export interface Access {
  readonly readable: boolean;
  readonly writable: boolean;
}

/** What the system says; both, where it does not. */
export async function accessOf(fd: number): Promise<Access> {
  const info = await readFile(`/proc/self/fdinfo/${fd}`, 'latin1').catch(() => '');
  const flags = /^flags:\s*([0-7]+)$/m.exec(info)?.[1];
  const mode = flags === undefined ? 2 : Number.parseInt(flags, 8) & 3;
  return { readable: mode !== 1, writable: mode !== 0 };
}
