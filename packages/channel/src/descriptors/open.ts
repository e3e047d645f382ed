import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { CircuitError, toCircuitError } from '@circuit/base';
import type { Descriptor } from '../local/descriptor.js';
import { FdDescriptor } from './fd-descriptor.js';
import { closeFd, releaseFd } from './fds.js';
import { kindOf, socketOf } from './raw-duplex.js';
import { RawStream } from './raw-stream.js';

/**
 * The number of a descriptor that was passed; closing it is the caller's from now on. Waits until it is here, at most 10 s. What it
 * is open for and whether it is a file at all is the sender's word: look before use if that is a stranger's. A worker warns when it
 * closes it, as of every number that Node has not opened there. Rejects with
 * `unsupported` where a byte stream stands in (`passed` is `false`), `peer-gone`, `timeout`, `limit`; `conflict` once moved.
 */
export async function takeDescriptor(descriptor: Descriptor): Promise<number> {
  return releaseFd(await detached(descriptor));
}

async function detached(descriptor: Descriptor): Promise<number> {
  if (!(descriptor instanceof FdDescriptor)) {
    throw new CircuitError('unsupported', 'takeDescriptor: a byte stream stands in for the descriptor, use openStream');
  }
  descriptor.move();
  return descriptor.detach();
}

/**
 * {@link takeDescriptor} for a pipe or connected socket, as a socket of Node's. Rejects with `unsupported` for anything else, and closes it.
 * Both sides share its flags: a sender that keeps a copy can make it blocking, and a read or write then holds up the process. From a
 * stranger take {@link openStream}.
 */
export async function openSocket(descriptor: Descriptor): Promise<Socket> {
  const fd = await detached(descriptor);
  try {
    if ((await kindOf(fd)) === 'file') throw new CircuitError('unsupported', 'openSocket: the descriptor is a file');
    return socketOf(fd);
  } catch (error) {
    closeFd(fd);
    throw toCircuitError(error, 'io');
  }
}

/**
 * The bytes of a descriptor, passed or not: of a file from where it stands, of a pipe or socket as they come. Half close works. Whatever the
 * sender does with its copy, only threads of Node's pool can be made to wait. Rejects as {@link takeDescriptor} does, except that a
 * stand-in is as good.
 */
export async function openStream(descriptor: Descriptor): Promise<Duplex> {
  descriptor.move();
  return new RawStream(await descriptor.standIn());
}
