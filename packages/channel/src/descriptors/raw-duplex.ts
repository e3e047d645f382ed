import { fstat, read, type Stats, write } from 'node:fs';
import { Socket } from 'node:net';
import { promisify } from 'node:util';
import { CircuitError, toCircuitError } from '@circuit/base';
import type { RawDuplex } from '../local/descriptor.js';
import type { NodeStream } from '../local/end.js';
import { nodeReader, nodeWriter } from '../local/foreign.js';
import { loadNative } from '../native/native.js';
import { type Access, accessOf } from './access.js';
import { FdUse } from './fd-use.js';
import { closeFd, releaseFd } from './fds.js';
import { polledDuplex } from './polled-duplex.js';

const readBytes = 65_536;

/** What a descriptor is, as far as its bytes go. */
export type FdKind = 'file' | 'pipe' | 'socket';

/** Tells files from pipes and connected sockets. Rejects with `unsupported` for everything else, which has no bytes to stream. */
export async function kindOf(fd: number): Promise<FdKind> {
  // Off the main thread: a file system in user space can take its time to answer.
  const stats = await promisify(fstat)(fd).catch((error: unknown) => {
    throw toCircuitError(error, 'invalid');
  });
  if (stats.isFile()) return 'file';
  if (stats.isFIFO()) return 'pipe';
  if (stats.isSocket() && isConnected(fd)) return 'socket';
  throw new CircuitError('unsupported', `descriptor ${fd} is ${nameOf(stats)}, want a file, pipe or connected socket`);
}

/** The bytes of what another process sent; closes `fd` when they cannot be had. */
export async function strangeDuplex(fd: number): Promise<RawDuplex> {
  return duplexOf(
    fd,
    () => closeFd(fd),
    (kind, access) => {
      const { native } = loadNative();
      return native === undefined ? socketDuplex(fd, access) : polledDuplex(native, fd, access, kind === 'socket');
    },
  );
}

/** The bytes of what this process opened; `release` closes it. */
export function ownDuplex(fd: number, release: () => void): Promise<RawDuplex> {
  return duplexOf(fd, release, (_kind, access) => socketDuplex(fd, access));
}

async function duplexOf(
  fd: number,
  release: () => void,
  streamed: (kind: FdKind, access: Access) => RawDuplex,
): Promise<RawDuplex> {
  try {
    const kind = await kindOf(fd);
    const access = await accessOf(fd);
    return kind === 'file' ? fileDuplex(fd, access, release) : streamed(kind, access);
  } catch (error) {
    release();
    throw toCircuitError(error, 'io');
  }
}

/** A socket of Node for a pipe or connected socket; takes `fd` over, or throws. */
export function socketOf(fd: number, access: Access = { readable: true, writable: true }): Socket {
  const socket = new Socket({ fd, allowHalfOpen: true, ...access });
  releaseFd(fd);
  socket.on('error', ignore);
  return socket;
}

/** A socket with as much of its type as the core knows. */
export function asNodeStream(socket: Socket): NodeStream {
  return socket as unknown as NodeStream;
}

function socketDuplex(fd: number, { readable, writable }: Access): RawDuplex {
  const socket = socketOf(fd, { readable, writable });
  return {
    reader: readable ? nodeReader(asNodeStream(socket)) : undefined,
    writer: writable ? nodeWriter(asNodeStream(socket)) : undefined,
  };
}

/** Reads and writes where the file stands, as every holder of the same open file does. Closes it when both are over. */
function fileDuplex(fd: number, { readable, writable }: Access, release: () => void): RawDuplex {
  const use = new FdUse(Number(readable) + Number(writable), release);
  const [leaveReading, leaveWriting] = [use.leaving(), use.leaving()];
  const reader = {
    readNow: () =>
      use.during(async () => {
        const { bytesRead, buffer } = await readSome(fd, new Uint8Array(readBytes), 0, readBytes, null);
        if (bytesRead > 0) return buffer.subarray(0, bytesRead);
        leaveReading();
        return undefined;
      }),
    cancelNow: leaveReading,
  };
  let fail: (error: CircuitError) => void = ignore;
  const closed = new Promise<void>((_, reject) => {
    fail = reject;
  });
  closed.catch(ignore);
  const writer = {
    writeNow: (chunk: Uint8Array) =>
      use
        .during(async () => {
          for (let at = 0; at < chunk.length; )
            at += (await writeSome(fd, chunk, at, chunk.length - at, null)).bytesWritten;
        })
        .catch((error: unknown) => {
          fail(toCircuitError(error));
          throw error;
        }),
    closeNow: leaveWriting,
    abortNow: leaveWriting,
    closed,
  };
  return { reader: readable ? reader : undefined, writer: writable ? writer : undefined };
}

const readSome = promisify(read);
const writeSome = promisify(write);

function isConnected(fd: number): boolean {
  const { native } = loadNative();
  return native === undefined || native.socketKind(fd) === 1;
}

function nameOf(stats: Stats): string {
  if (stats.isDirectory()) return 'a folder';
  if (stats.isCharacterDevice() || stats.isBlockDevice()) return 'a device';
  return stats.isSocket() ? 'a socket without a connection' : 'neither file nor pipe nor socket';
}

function ignore(): void {}
