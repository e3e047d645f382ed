/** What a page has in place of `slab.ts`: it cannot keep memory from being transferred, so every piece gets its own. */
export class Slab {
  keep(piece: Uint8Array): Uint8Array {
    return piece.slice();
  }
}
