import type { CircuitError } from '@circuit/base';

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
 * Values to bytes and back; plugged in by `plugCodec` and `SessionOptions.codecs` on both sides and chosen per session or per
 * channel.
 *
 * A codec sees ends, streams and values beyond plain data (numbers, text, booleans, null, lists, plain objects and
 * `Uint8Array`) already replaced by {@link Tagged}; it carries of those what it likes. What one cannot carry it refuses by
 * throwing; the sender then finds the field by offering the parts one by one and hears `unsupported` with codec, type,
 * field and what was thrown: `codec cbor cannot carry a Map (at value.a.b): …`. The channel goes on.
 */
export interface Codec {
  /** Agreed by name when a channel is opened; 1 to 64 bytes of UTF-8. */
  readonly name: string;
  /** Must not change `value`. The bytes may be a view that is valid until the next call, or `value` itself. */
  encode(value: unknown): Uint8Array;
  /**
   * `revive` makes the value of each tag, and must be called for every reference exactly once. The bytes are this message's
   * own and may be kept and handed out, not transferred to another thread. May throw anything for bytes that are not its
   * own; that channel then fails with `protocol`, nothing else. Its memory must be bounded by the length of the bytes.
   */
  decode(bytes: Uint8Array, revive: Revive): unknown;
}

/** A codec of the caller's as a session takes it; made by `plugCodec`. */
export interface PluggedCodec extends Codec {
  /** What the sender hears of a value that `encode` has refused with `cause`. @internal */
  refusal(value: unknown, cause: unknown): CircuitError;
}
