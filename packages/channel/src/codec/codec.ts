/**
 * A value that a codec has no form of its own for: a tag and what stands for the value. The table of tags is in
 * docs/protocol.md; tag 0 is a reference and its body is the index among the message's references.
 */
export class Tagged {
  readonly tag: number;
  readonly body: unknown;

  constructor(tag: number, body: unknown) {
    this.tag = tag;
    this.body = body;
  }
}

/** Makes the value that a tag and its body stand for; throws `invalid` for a body that does not fit. */
export type Revive = (tag: number, body: unknown) => unknown;

/**
 * Values to bytes and back. A codec sees ends, streams and values beyond its own data model already replaced by
 * {@link Tagged}. What one cannot carry it refuses by throwing; the sender then finds the field by offering the parts
 * one by one and hears `unsupported` with codec, type, field and what was thrown.
 */
export interface Codec {
  /** Agreed by name when a channel is opened; ≤ 64 bytes. */
  readonly name: string;
  /** The bytes may be a view that is valid until the next call. */
  encode(value: unknown): Uint8Array;
  /** May throw anything for bytes that are not its own; the channel then fails with `protocol`. */
  decode(bytes: Uint8Array, revive: Revive): unknown;
}
