import { close } from 'node:fs';
import { getSystemErrorName } from 'node:util';
import type { CircuitError } from '@circuit/base';
import { socketError } from '../carriers/socket/socket-error.js';
import { loadNative } from '../native/native.js';

/** What the system said with the negative number `code`. */
export function systemError(what: string, code: number): CircuitError {
  const name = getSystemErrorName(code);
  return socketError(what, Object.assign(new Error(name), { code: name }));
}

/** Closes off the main thread: the last close of a file can wait for its file system. */
export function closeFd(fd: number): void {
  // Node's own close would warn in a worker of what Node has not opened, and this one would hide from Node what it has.
  if (loadNative().native?.close(fd) !== 1) close(fd, ignore);
}

/** The caller, or whom it gives `fd` to, closes it from now on. */
export function releaseFd(fd: number): number {
  loadNative().native?.release(fd);
  return fd;
}

function ignore(): void {}
