import { type OnReadOpts, Socket } from 'node:net';

/** As much as Node reads at once. */
export const readBytes = 65_536;

/** Takes what was read, in memory that is used again unless it is given away (`owned`): `CarrierEvents.data`. */
type Take = (chunk: Uint8Array, owned: boolean) => void;

/**
 * The memory that plain sockets read into, one for all of them: what was read is taken, or copied, before the next read of any socket.
 * Node by itself allocates 64 KiB for each read, however little arrives, for the garbage collector to give back.
 * It lets sockets choose that are dialled; an accepted one goes over to another by {@link takeOver}.
 *
 * Node would also ask for other memory behind each read. It loses the answer when that read ends in an uncaught exception, or a worker is
 * terminated there, and reads into the memory it had once more: then that is somebody else's, or was freed.
 */
export class ReadMemory {
  /** What the socket has to be made with. */
  readonly options: { readonly onread: OnReadOpts };
  #take: Take | undefined;
  /** What arrived before somebody took it. */
  #early: Uint8Array[] = [];

  constructor() {
    const callback = (bytes: number, memory: Uint8Array): boolean => {
      this.#arrived(memory.subarray(0, bytes));
      return true;
    };
    this.options = { onread: { buffer: memoryOfRead(), callback } };
  }

  /** Hands what arrived, and what arrives from here on, to `take`. Called once. */
  start(take: Take): void {
    const early = this.#early;
    this.#early = [];
    this.#take = take;
    for (const chunk of early) take(chunk, true);
  }

  #arrived(chunk: Uint8Array): void {
    if (this.#take === undefined) this.#early.push(chunk.slice());
    else this.#take(chunk, false);
  }
}

/**
 * The connection of `socket`, which was accepted with `pauseOnConnect` and is nobody's from here on, with memory to read into where Node gives
 * its handle away (ADR 0015).
 */
export function takeOver(socket: Socket): { readonly socket: Socket; readonly memory?: ReadMemory } {
  const inner = socket as unknown as { _handle?: { useUserBuffer?: unknown } | null };
  const handle = inner._handle;
  if (typeof handle?.useUserBuffer !== 'function') return { socket };
  const memory = new ReadMemory();
  inner._handle = null;
  // Its server counts it no more.
  socket.destroy();
  const options = { handle, allowHalfOpen: true, readable: true, writable: true, ...memory.options };
  return { socket: new Socket(options), memory };
}

/** Hands all that `socket` reads, from now on, to `take`: from `memory`, which it was made with, or as Node reads it. */
export function takeFrom(socket: Socket, memory: ReadMemory | undefined, take: Take): void {
  if (memory !== undefined) {
    memory.start(take);
    return;
  }
  socket.on('data', (chunk: Buffer) => take(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength), true));
  // It may have been accepted with `pauseOnConnect`.
  socket.resume();
}

let shared: Uint8Array | undefined;

function memoryOfRead(): Uint8Array {
  // There libuv has a read under way for each socket.
  if (process.platform === 'win32') return new Uint8Array(readBytes);
  shared ??= new Uint8Array(readBytes);
  return shared;
}
