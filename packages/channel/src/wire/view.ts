/**
 * The bytes of `bytes` from `from` up to `to`, in the same memory. `subarray` asks the class of `bytes` each time which class
 * the view shall have: on the way of a small message that costs as much as all the rest.
 */
export function view(bytes: Uint8Array, from: number, to: number): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset + from, to - from);
}
