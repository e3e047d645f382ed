/**
 * The bytes of `bytes` from `from` up to `to`, in the same memory. Not `subarray`, which asks the class of `bytes` each time which
 * class the view shall have (ECMA-262, TypedArraySpeciesCreate): a small message is cut several times on its way.
 */
export function view(bytes: Uint8Array, from: number, to: number): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset + from, to - from);
}
