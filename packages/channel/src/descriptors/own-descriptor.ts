import { fstatSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { Socket } from 'node:net';
import { CircuitError } from '@circuit/base';
import type { Descriptor, RawDuplex } from '../local/descriptor.js';
import { nodeReader, nodeWriter } from '../local/foreign.js';
import { loadNative } from '../native/native.js';
import { FdDescriptor, usedError } from './fd-descriptor.js';
import { closeFd } from './fds.js';
import { asNodeStream, ownDuplex } from './raw-duplex.js';

/** What a descriptor is made of. */
interface Source {
  /** Below zero: only its stream can be had. */
  readonly fd: number;
  /** Whether the number is ours to give away. */
  readonly detachable: boolean;
  readonly stream?: Socket;
  readonly close: () => void;
}

/**
 * An open file, pipe or connected socket to send in a message: over a Unix socket the thing itself is handed over, elsewhere a byte
 * stream stands in. Takes `source` over: a `Socket` is destroyed and a `FileHandle` closed here, while what they stood for
 * stays open until it is sent or cancelled; a number is the caller's no more. The receiver shares the open file: its offset
 * and flags, among them O_NONBLOCK of sockets. A socket whose bytes were read into this process already, or are encrypted here, goes as a
 * stream: accept with `pauseOnConnect`. Throws `invalid` for what is not open.
 */
export function descriptorOf(source: Socket | FileHandle | number): Descriptor {
  if (typeof source === 'number') return ofNumber(source);
  if (source instanceof Socket) return ofSocket(source);
  if (isHandle(source)) return ofHandle(source);
  throw notOpen((source as unknown) === null ? 'null' : `a value of type ${typeof source}`);
}

/** Node does not export the class. */
function isHandle(value: unknown): value is FileHandle {
  if (typeof value !== 'object' || value === null) return false;
  const { fd, close } = value as { readonly fd?: unknown; readonly close?: unknown };
  return typeof fd === 'number' && typeof close === 'function';
}

function ofNumber(fd: number): Descriptor {
  if (!isOpen(fd)) throw notOpen(`descriptor ${fd}`);
  return new OwnDescriptor({ fd, detachable: true, close: () => closeFd(fd) });
}

function ofHandle(handle: FileHandle): Descriptor {
  if (handle.fd < 0) throw notOpen('file handle');
  const copy = duplicate(handle.fd);
  const close = (): void => void handle.close().catch(ignore);
  if (copy === undefined) return new OwnDescriptor({ fd: handle.fd, detachable: false, close });
  close();
  return new OwnDescriptor({ fd: copy, detachable: true, close: () => closeFd(copy) });
}

function ofSocket(socket: Socket): Descriptor {
  if (socket.destroyed || socket.connecting) throw notOpen('socket');
  socket.on('error', ignore);
  const { _handle: handle } = socket as unknown as { readonly _handle?: { readonly fd?: number } | null };
  const whole = !socket.readableEnded && socket.readableLength === 0 && socket.writableLength === 0;
  const bare = (socket as { readonly encrypted?: boolean }).encrypted !== true && !socket.writableEnded;
  const copy = whole && bare && handle?.fd !== undefined && handle.fd >= 0 ? duplicate(handle.fd) : undefined;
  if (copy === undefined) {
    return new OwnDescriptor({ fd: -1, detachable: false, stream: socket, close: () => socket.destroy() });
  }
  // Closes the number at once; the connection goes on with the copy.
  socket.destroy();
  return new OwnDescriptor({ fd: copy, detachable: true, close: () => closeFd(copy) });
}

class OwnDescriptor extends FdDescriptor {
  readonly detachable: boolean;
  #source: Source | undefined;

  constructor(source: Source) {
    super();
    this.#source = source;
    this.detachable = source.detachable;
  }

  detach(): Promise<number> {
    if (!this.detachable) {
      return Promise.reject(
        new CircuitError('unsupported', 'only the stream of this descriptor can be had: openStream'),
      );
    }
    const source = this.#take();
    return source === undefined ? Promise.reject(usedError()) : Promise.resolve(source.fd);
  }

  cancelNow(): void {
    this.#take()?.close();
  }

  override standIn(): Promise<RawDuplex> {
    const source = this.#take();
    if (source === undefined) return Promise.reject(usedError());
    const { stream } = source;
    if (stream === undefined) return ownDuplex(source.fd, source.close);
    return Promise.resolve({
      reader: stream.readable || stream.readableEnded ? nodeReader(asNodeStream(stream)) : undefined,
      writer: stream.writable ? nodeWriter(asNodeStream(stream)) : undefined,
    });
  }

  #take(): Source | undefined {
    const source = this.#source;
    this.#source = undefined;
    return source;
  }
}

function duplicate(fd: number): number | undefined {
  const { native } = loadNative();
  const copy = native?.duplicate(fd) ?? -1;
  return copy < 0 ? undefined : copy;
}

function isOpen(fd: number): boolean {
  if (!Number.isInteger(fd) || fd < 0 || fd > 0x7fff_ffff) return false;
  try {
    fstatSync(fd);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'EBADF';
  }
}

function notOpen(what: string): CircuitError {
  return new CircuitError(
    'invalid',
    `descriptorOf: ${what}, want an open file handle, a connected socket or an open descriptor`,
  );
}

function ignore(): void {}
