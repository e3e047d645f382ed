const firstSlabBytes = 1024;
const slabBytes = 8192;
/** Larger pieces get memory of their own. */
const sharedBelowBytes = 2048;

/**
 * Copies small pieces of bytes into shared memory, at most 8 KiB at a time: an ArrayBuffer for each would cost more than all else
 * that is done for a small message. Like Node's pool for Buffers, the memory is marked so that nobody transfers it to
 * another thread and takes the neighbours' bytes along; where that can't be marked (browsers) every piece gets its own.
 */
export class Slab {
  readonly #mark = untransferable();
  #memory: Uint8Array<ArrayBuffer> = none;
  /** Where `#memory` lies: to ask it costs as much as to make a view. */
  #buffer = none.buffer;
  #at = 0;

  /** A copy of `piece` that stays as it is. */
  keep(piece: Uint8Array): Uint8Array {
    const { length } = piece;
    if (length >= sharedBelowBytes || this.#mark === undefined) return piece.slice();
    if (this.#memory.length - this.#at < length) {
      this.#memory = new Uint8Array(Math.min(slabBytes, Math.max(firstSlabBytes, 2 * length, 2 * this.#memory.length)));
      this.#buffer = this.#memory.buffer;
      this.#at = 0;
      this.#mark(this.#buffer);
    }
    const at = this.#at;
    this.#at = at + length;
    this.#memory.set(piece, at);
    return new Uint8Array(this.#buffer, at, length);
  }
}

/** What holds the pieces that queue on one channel, once several do. */
export interface SlabHolder {
  slab: Slab | undefined;
}

/**
 * A copy of `piece`, in front of which `queued` others wait: memory of its own for the only one, shared by those of the holder for
 * several, so that a channel which nobody reads keeps no memory but what its credit pays for.
 */
export function keepQueued(holder: SlabHolder, queued: number, piece: Uint8Array): Uint8Array {
  if (queued === 0) return piece.slice();
  holder.slab ??= new Slab();
  return holder.slab.keep(piece);
}

const none = new Uint8Array(0);

interface WorkerThreads {
  readonly markAsUntransferable: (buffer: ArrayBufferLike) => void;
}

function untransferable(): ((buffer: ArrayBufferLike) => void) | undefined {
  if (typeof process !== 'object' || typeof process.getBuiltinModule !== 'function') return undefined;
  const threads = process.getBuiltinModule('node:worker_threads') as WorkerThreads | undefined;
  return threads?.markAsUntransferable;
}
