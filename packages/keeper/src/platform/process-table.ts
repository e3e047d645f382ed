import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** What the kernel says of one process. */
export interface ProcessFacts {
  /** When it started, in a unit of the kernel's own; equal for equal processes, as text. */
  readonly startTime: string;
  /** `dead` includes a zombie: it has ended and only waits to be reaped. */
  readonly state: 'alive' | 'stopped' | 'dead';
}

/** What is read of other processes. One implementation for each kind of system; all calls are synchronous. */
export interface ProcessTable {
  /** Changes with each start of the machine; a pid means nothing across it. */
  readonly bootId: string;
  /** Undefined when there is no such process. */
  read(pid: number): ProcessFacts | undefined;
}

/** Linux: /proc, 12–17 µs a read. */
export function procTable(): ProcessTable {
  return {
    bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
    read(pid) {
      try {
        return parseStat(readFileSync(`/proc/${pid}/stat`, 'latin1'));
      } catch {
        return undefined;
      }
    },
  };
}

/** The stand-in for systems without /proc (macOS, BSD): `ps` and `sysctl`, some milliseconds a read. */
export function psTable(): ProcessTable {
  return {
    bootId: bootTime(),
    read(pid) {
      try {
        return parsePs(run('ps', ['-o', 'state=,lstart=', '-p', String(pid)]));
      } catch {
        return undefined;
      }
    },
  };
}

/** The table of this system. */
export function systemProcessTable(platform: NodeJS.Platform = process.platform): ProcessTable {
  return platform === 'linux' || platform === 'android' ? procTable() : psTable();
}

/** Fields 3 and 22 of /proc/PID/stat. Field 2 is the program's name, which may hold spaces and `)`: count from the last one. */
export function parseStat(text: string): ProcessFacts | undefined {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state] = fields;
  const startTime = fields[19];
  if (state === undefined || startTime === undefined) return undefined;
  return { startTime, state: stateOf(state) };
}

/** One line of `ps -o state=,lstart=`. */
export function parsePs(text: string): ProcessFacts | undefined {
  const match = /^(\S+)\s+(.+)$/.exec(text.trim());
  const [, state, startTime] = match ?? [];
  if (state === undefined || startTime === undefined) return undefined;
  return { startTime, state: stateOf(state) };
}

function stateOf(letters: string): ProcessFacts['state'] {
  if (letters.startsWith('T') || letters.startsWith('t')) return 'stopped';
  return /^[ZXx]/.test(letters) ? 'dead' : 'alive';
}

function bootTime(): string {
  try {
    return run('sysctl', ['-n', 'kern.boottime']);
  } catch {
    return run('ps', ['-o', 'lstart=', '-p', '1']);
  }
}

function run(command: string, args: readonly string[]): string {
  return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
}
