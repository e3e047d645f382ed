import { fstat, read, type Stats, write } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { Socket } from 'node:net';
import { promisify } from 'node:util';
import { CircuitError, toCircuitError } from '@circuit/base';
import type { RawDuplex } from '../local/descriptor.js';
import type { NodeStream } from '../local/end.js';
import { nodeReader, nodeWriter } from '../local/foreign.js';
import { closeFd, loadNative } from './native.js';

const readBytes = 65_536;

/** What a descriptor is, as far as its bytes go. */
export type FdKind = 'file' | 'stream';

/** Tells files from pipes and connected sockets. Rejects with `unsupported` for everything else, which has no bytes to stream. */
export async function kindOf(fd: number): Promise<FdKind> {
  // Off the main thread: a file system in user space can take its time to answer.
  const stats = await promisify(fstat)(fd).catch((error: unknown) => {
    throw toCircuitError(error, 'invalid');
  });
  if (stats.isFile()) return 'file';
  if (stats.isFIFO() || (stats.isSocket() && isConnected(fd))) return 'stream';
  throw new CircuitError('unsupported', `descriptor ${fd} is ${nameOf(stats)}, want a file, pipe or connected socket`);
}

/** Closes `fd` unless what it is can be streamed, which is what `use` is called with. */
export async function rawDuplex(fd: number, release: () => void = () => closeFd(fd)): Promise<RawDuplex> {
  try {
    const kind = await kindOf(fd);
    const access = await accessOf(fd);
    return kind === 'file' ? fileDuplex(fd, access, release) : socketDuplex(fd, access);
  } catch (error) {
    release();
    throw toCircuitError(error, 'io');
  }
}

interface Access {
  readonly readable: boolean;
  readonly writable: boolean;
}

/** A socket of Node for a pipe or connected socket; takes `fd` over, or throws. */
export function socketOf(fd: number, access: Access = { readable: true, writable: true }): Socket {
  const socket = new Socket({ fd, allowHalfOpen: true, ...access });
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
  let users = (readable ? 1 : 0) + (writable ? 1 : 0);
  let busy = 0;
  const leave = (): (() => void) => {
    let left = false;
    return () => {
      if (left) return;
      left = true;
      users--;
      if (users === 0 && busy === 0) release();
    };
  };
  const during = async <T>(run: () => Promise<T>): Promise<T> => {
    // A number that is closed while a call of the thread pool uses it may be somebody else's by then.
    busy++;
    try {
      return await run();
    } catch (error) {
      throw toCircuitError(error, 'io');
    } finally {
      busy--;
      if (users === 0 && busy === 0) release();
    }
  };
  const [leaveReading, leaveWriting] = [leave(), leave()];
  const reader = {
    readNow: () =>
      during(async () => {
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
      during(async () => {
        for (let at = 0; at < chunk.length; )
          at += (await writeSome(fd, chunk, at, chunk.length - at, null)).bytesWritten;
      }).catch((error: unknown) => {
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

/** Which directions `fd` is open for, where the system says it. */
async function accessOf(fd: number): Promise<Access> {
  const info = await readFile(`/proc/self/fdinfo/${fd}`, 'latin1').catch(() => '');
  const flags = /^flags:\s*([0-7]+)$/m.exec(info)?.[1];
  const mode = flags === undefined ? 2 : Number.parseInt(flags, 8) & 3;
  return { readable: mode !== 1, writable: mode !== 0 };
}

function nameOf(stats: Stats): string {
  if (stats.isDirectory()) return 'a folder';
  if (stats.isCharacterDevice() || stats.isBlockDevice()) return 'a device';
  return stats.isSocket() ? 'a socket without a connection' : 'neither file nor pipe nor socket';
}

function ignore(): void {}
