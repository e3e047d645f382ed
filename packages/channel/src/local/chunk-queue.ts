import { copyBelowBytes } from '../wire/frame.js';
import { Deque } from './deque.js';

const leastTailBytes = 1024;

/**
 * Bytes that wait for their reader. Small pieces are gathered: who writes single bytes must not cost an object for each, because only
 * bytes are counted against the bound.
 */
export class ChunkQueue {
  readonly #chunks = new Deque<Uint8Array>();
  /** So many are held as they came. */
  readonly #loose: number;
  #tail: Uint8Array | undefined;
  #used = 0;

  constructor(loose = 0) {
    this.#loose = loose;
  }

  get empty(): boolean {
    return this.#tail === undefined && this.#chunks.length === 0;
  }

  /** Adds a piece; a copy, if it is not `owned` or would keep alive far more memory than it has bytes. */
  push(piece: Uint8Array, owned = true): void {
    const loose = this.#chunks.length < this.#loose;
    if (loose || piece.length >= copyBelowBytes) {
      this.#endTail();
      this.#chunks.push(owned && (loose || piece.buffer.byteLength <= 2 * piece.length) ? piece : piece.slice());
      return;
    }
    if (this.#tail === undefined || this.#tail.length - this.#used < piece.length) {
      this.#endTail();
      this.#tail = new Uint8Array(Math.max(leastTailBytes, 2 * piece.length));
    }
    this.#tail.set(piece, this.#used);
    this.#used += piece.length;
  }

  shift(): Uint8Array | undefined {
    const chunk = this.#chunks.shift();
    if (chunk !== undefined || this.#tail === undefined) return chunk;
    this.#endTail();
    return this.#chunks.shift();
  }

  /** Takes everything. */
  drain(): readonly Uint8Array[] {
    this.#endTail();
    return this.#chunks.drain();
  }

  #endTail(): void {
    if (this.#tail === undefined) return;
    this.#chunks.push(this.#tail.subarray(0, this.#used));
    this.#tail = undefined;
    this.#used = 0;
  }
}
