/** As much as one read of a socket brings. */
export const bufferBytes = 65_536;
/** More of them are left to the collector. */
const mostFree = 32;

const free: Uint8Array[] = [];
/** How many bytes of a buffer of the pool are in use. */
const used = new WeakMap<ArrayBufferLike, number>();

/**
 * A copy of `piece`, which is passed on and soon written, in a buffer of this thread's pool: V8 collects the whole heap for every few dozen MB
 * that it allocates outside of it, however little of that lives. If the memory will not come back (`reusable`), and of little, a copy of its own.
 * What {@link release} does not bring back is the collector's.
 */
export function pooledCopy(piece: Uint8Array, reusable: boolean): Uint8Array {
  // Of less a buffer would keep more than twice its bytes, which nobody counts.
  if (!reusable || piece.length < bufferBytes / 2 || piece.length > bufferBytes) return piece.slice();
  const copy = (free.pop() ?? new Uint8Array(bufferBytes)).subarray(0, piece.length);
  copy.set(piece);
  used.set(copy.buffer, piece.length);
  return copy;
}

/**
 * `pieces` were written; `reusable`: the carrier needs their memory no more, and whole copies among them go back to the pool. Else whoever has
 * them by now may hold them for as long as he likes.
 */
export function release(pieces: readonly Uint8Array[], reusable: boolean): void {
  for (const { buffer, length } of pieces) {
    const whole = used.get(buffer);
    if (whole === undefined) continue;
    used.delete(buffer);
    if (reusable && whole === length && free.length < mostFree) free.push(new Uint8Array(buffer));
  }
}
