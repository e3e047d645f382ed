import * as dataFlag from '../wire/data-flag.js';
import type { Entry } from './entry.js';

/** A message of several pieces on its way in. Memory grows with what has arrived, not with what was announced. */
export class Assembly {
  readonly total: number;
  readonly refs: readonly Entry[] | undefined;
  readonly flags: number;
  got = 0;
  /** Credit used by its pieces, and how much of it has been given back already. */
  cost: number;
  granted = 0;
  #buffer: Uint8Array;

  constructor(total: number, first: number, refs: readonly Entry[] | undefined, flags: number, cost: number) {
    this.total = total;
    this.refs = refs;
    this.flags = flags;
    this.cost = cost;
    this.#buffer = new Uint8Array(Math.min(total, 4 * first));
  }

  append(piece: Uint8Array): void {
    const need = this.got + piece.length;
    if (need > this.#buffer.length) {
      const larger = new Uint8Array(Math.min(this.total, Math.max(need, this.#buffer.length * 2)));
      larger.set(this.#buffer.subarray(0, this.got));
      this.#buffer = larger;
    }
    this.#buffer.set(piece, this.got);
    this.got = need;
  }

  get body(): Uint8Array {
    return this.#buffer.subarray(0, this.got);
  }
}

/** The assembly that begins with the first of several pieces. */
export function startAssembly(
  piece: {
    readonly total: number;
    readonly refs: readonly Entry[] | undefined;
    readonly flags: number;
    readonly body: Uint8Array;
  },
  cost: number,
): Assembly {
  const assembly = new Assembly(piece.total, piece.body.length, piece.refs, piece.flags & ~dataFlag.more, cost);
  assembly.append(piece.body);
  return assembly;
}
