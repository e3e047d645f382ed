import { readFile } from 'node:fs/promises';
import { errnoOf } from './fs-error.js';

/** One life of one process: a pid alone is used again. Empty texts where the system does not tell. */
export interface ProcessIdentity {
  /** Changes with every start of the machine. */
  readonly bootId: string;
  readonly pid: number;
  /** In the system's ticks since the start of the machine. */
  readonly startTime: string;
}

/** What is read of processes; a stand-in serves systems without `/proc`. */
export interface ProcessTable {
  bootId(): Promise<string>;
  /** The start time of a living process; `undefined` when there is none of that pid, `''` when it cannot be told. */
  startTime(pid: number): Promise<string | undefined>;
}

/** By `/proc` of Linux. */
export const linuxProcesses: ProcessTable = {
  bootId: async () => (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim(),
  async startTime(pid) {
    try {
      const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
      // The name in parentheses may hold anything, so the fields are counted behind its last one.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return fields[0] === 'Z' || fields[0] === 'X' ? undefined : (fields[19] ?? '');
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === 'ENOENT' || errno === 'ESRCH') return undefined;
      return portableProcesses.startTime(pid);
    }
  },
};

/** For every other system: a process lives while a signal can be addressed to it. */
export const portableProcesses: ProcessTable = {
  bootId: () => Promise.resolve(''),
  startTime(pid) {
    try {
      process.kill(pid, 0);
      return Promise.resolve('');
    } catch (error) {
      // EPERM: it lives and belongs to somebody else.
      return Promise.resolve(errnoOf(error) === 'EPERM' ? '' : undefined);
    }
  },
};

/** The one for this system. */
export function ownProcesses(): ProcessTable {
  return process.platform === 'linux' ? linuxProcesses : portableProcesses;
}

/** The identity of this process. */
export async function ownIdentity(table: ProcessTable): Promise<ProcessIdentity> {
  const [bootId, startTime] = await Promise.all([table.bootId(), table.startTime(process.pid)]);
  return { bootId, pid: process.pid, startTime: startTime ?? '' };
}

/** Whether that very process lives. In doubt it does: taking over from a living one loses more than a refusal. */
export async function isRunning(who: ProcessIdentity, table: ProcessTable): Promise<boolean> {
  const bootId = await table.bootId();
  if (bootId !== '' && who.bootId !== '' && bootId !== who.bootId) return false;
  const startTime = await table.startTime(who.pid);
  if (startTime === undefined) return false;
  return startTime === '' || who.startTime === '' || startTime === who.startTime;
}
