import type { OnReadOpts } from 'node:net';
import { view } from '../../wire/view.js';

/** What an idle connection holds, and begins with. */
const fewBytes = 4096;
/** As much as Node reads at once; there is so much behind a read that filled what there was. */
const manyBytes = 65_536;
/** After so many reads in a row that would have fitted, little memory is enough again. */
const fewReads = 64;

/**
 * The memory that a socket reads into, again and again while nobody keeps views into it. Node by itself allocates 64 KiB for
 * each read, however little arrives, for the garbage collector to give back. Memory that somebody holds
 * views into is never read into again: its holder may transfer it to another thread. Node lets sockets choose that are
 * dialled, not those that are accepted.
 */
export class ReadMemory {
  readonly #mostBytes: number;
  #memory: Uint8Array = allocate(fewBytes);
  #fewInRow = 0;
  #take: ((chunk: Uint8Array) => unknown) | undefined;
  /** What arrived before somebody took it. */
  #early: Uint8Array[] = [];

  /** `mostBytes`: as much as one read of the socket can bring. */
  constructor(mostBytes: number = manyBytes) {
    this.#mostBytes = mostBytes;
  }

  /** What the socket has to be made with. */
  get options(): { readonly onread: OnReadOpts } {
    const callback = (bytes: number): boolean => {
      this.#arrived(bytes);
      return true;
    };
    return { onread: { buffer: () => this.#memory, callback } };
  }

  /** Hands what arrived, and what arrives from here on, to `take`, which answers `false` if it keeps no views. Called once. */
  start(take: (chunk: Uint8Array) => unknown): void {
    const early = this.#early;
    this.#early = [];
    this.#take = take;
    for (const chunk of early) take(chunk);
  }

  #arrived(bytes: number): void {
    const memory = this.#memory;
    const chunk = view(memory, 0, bytes);
    let kept = true;
    if (this.#take === undefined) this.#early.push(chunk);
    else kept = this.#take(chunk) !== false;
    this.#fewInRow = bytes < fewBytes ? this.#fewInRow + 1 : 0;
    let size = memory.length;
    if (bytes === size) size = this.#mostBytes;
    else if (this.#fewInRow >= fewReads) size = fewBytes;
    if (kept || size !== memory.length) this.#memory = allocate(size);
  }
}

/** Not zeroed: only what was read into it is ever looked at. */
function allocate(bytes: number): Uint8Array {
  return new Uint8Array(Buffer.allocUnsafeSlow(bytes).buffer);
}
