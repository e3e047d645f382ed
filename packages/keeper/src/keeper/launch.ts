import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import { CircuitError } from '@circuit/base';
import type { StartRefusal } from '../client/types.js';
import type { ProcessFiles } from '../folder/process-files.js';
import { errnoOf, spawnRefusal } from '../platform/executable.js';
import type { StartOrder } from '../protocol/messages.js';

/** A child that runs, and the keeper's ends of its three FIFOs. */
export interface Launched {
  readonly ok: true;
  readonly child: ChildProcess;
  readonly pid: number;
  readonly stdin: number;
  readonly stdout: number;
  readonly stderr: number;
}

/**
 * Runs `file` on the FIFOs of `files`. The child's output ends are opened read-write, so that a child writing after its
 * keeper's death waits instead of dying of SIGPIPE; its input end is read-only, or an end of file would never come.
 * Throws `limit` when the machine has no room for a process or a descriptor.
 */
export async function launch(order: StartOrder, file: string, files: ProcessFiles): Promise<Launched | StartRefusal> {
  const { O_RDONLY, O_WRONLY, O_RDWR, O_NONBLOCK } = constants;
  const own: number[] = [];
  const childs: number[] = [];
  const open = (ends: number[], path: string, flags: number): number => {
    const fd = openSync(path, flags);
    ends.push(fd);
    return fd;
  };
  let running = false;
  try {
    // Read ends first: a read end that has seen a writer is told when the last one leaves.
    const stdout = open(own, files.fifo('stdout'), O_RDONLY | O_NONBLOCK);
    const stderr = open(own, files.fifo('stderr'), O_RDONLY | O_NONBLOCK);
    // Any open of a FIFO's one end waits for the other; opened read-write it waits for nobody, and lets the rest through.
    const door = open(childs, files.fifo('stdin'), O_RDWR);
    const input = open(childs, files.fifo('stdin'), O_RDONLY);
    const stdin = open(own, files.fifo('stdin'), O_WRONLY | O_NONBLOCK);
    closeSync(door);
    childs.shift();
    const ends = [input, open(childs, files.fifo('stdout'), O_RDWR), open(childs, files.fifo('stderr'), O_RDWR)];
    const child = spawn(file, order.args, {
      argv0: order.path,
      cwd: order.cwd,
      env: order.env,
      stdio: ends,
      detached: true,
    });
    const { pid } = child;
    if (pid === undefined) return refused(file, await failure(child));
    running = true;
    return { ok: true, child, pid, stdin, stdout, stderr };
  } catch (error) {
    return refused(file, error);
  } finally {
    for (const fd of childs) closeSync(fd);
    if (!running) for (const fd of own) closeSync(fd);
  }
}

function failure(child: ChildProcess): Promise<Error> {
  return new Promise((resolve) => child.once('error', resolve));
}

function refused(file: string, error: unknown): StartRefusal {
  const errno = errnoOf(error);
  switch (errno) {
    case 'EMFILE':
    case 'ENFILE':
    case 'EAGAIN':
    case 'ENOMEM':
    case 'ENOSPC':
      throw new CircuitError('limit', `cannot start ${file}: the machine has no room (${errno})`, { detail: errno });
    default:
      return spawnRefusal(file, errno);
  }
}
