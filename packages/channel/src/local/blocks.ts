/** As much as one read of a socket brings. */
const blockBytes = 65_536;
/** More of them are left to the collector. */
const mostFree = 32;

const free: Uint8Array[] = [];
/** How much of a block was taken. */
const taken = new WeakMap<ArrayBufferLike, number>();

/**
 * A copy of `piece`, which is passed on and soon written, in memory of this thread that is used again: V8 collects the whole heap for every 30
 * to 60 MB that it allocates outside of it, however little of that lives. If it will not come back (`again`), in memory of its own. What {@link written} does not bring back is the collector's.
 */
export function block(piece: Uint8Array, again: boolean): Uint8Array {
  // Of less a block would keep more than twice its bytes, which nobody counts.
  if (!again || piece.length < blockBytes / 2 || piece.length > blockBytes) return piece.slice();
  const copy = (free.pop() ?? new Uint8Array(blockBytes)).subarray(0, piece.length);
  copy.set(piece);
  taken.set(copy.buffer, piece.length);
  return copy;
}

/**
 * `pieces` are the carrier's; `again`: it needs their memory no more, and whole blocks among them are used again. Else whoever has them by now may
 * hold them for as long as he likes.
 */
export function written(pieces: readonly Uint8Array[], again: boolean): void {
  for (const { buffer, length } of pieces) {
    const whole = taken.get(buffer);
    if (whole === undefined) continue;
    taken.delete(buffer);
    if (again && whole === length && free.length < mostFree) free.push(new Uint8Array(buffer));
  }
}
