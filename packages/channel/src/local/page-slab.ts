/** What a page has in place of `slab.ts`: it cannot keep memory from being transferred, so every piece gets its own. */
export class Slab {
  keep(piece: Uint8Array): Uint8Array {
    return piece.slice();
  }
}

/** See `slab.ts`. */
export interface SlabHolder {
  slab: Slab | undefined;
}

export function keepQueued(_holder: SlabHolder, _queued: number, piece: Uint8Array): Uint8Array {
  return piece.slice();
}
