import { CircuitError } from '@circuit/base';
import { maxCodecNameBytes } from '../wire/frame.js';
import { cannotCarry } from './cannot-carry.js';
import type { Codec, PluggedCodec } from './codec.js';

/**
 * `codec` made ready for `SessionOptions.codecs`: its encoder is held to its word, for anything but bytes would go out as
 * garbage, and what it refuses is told with type and field. Throws `invalid` for a name that is empty or longer than 64 bytes.
 */
export function plugCodec(codec: Codec): PluggedCodec {
  const { name } = codec;
  const bytes = new TextEncoder().encode(name).length;
  if (bytes < 1 || bytes > maxCodecNameBytes) {
    throw new CircuitError('invalid', `codec ${name}: name of ${bytes} bytes, want 1 to ${maxCodecNameBytes}`);
  }
  const plugged: PluggedCodec = {
    name,
    encode(value) {
      const encoded: unknown = codec.encode(value);
      if (encoded instanceof Uint8Array) return plain(encoded);
      throw new TypeError(
        `encode answered with ${encoded === null ? 'null' : `a ${typeof encoded}`}, want a Uint8Array`,
      );
    },
    decode: (body, revive) => codec.decode(body, revive),
    refusal: (value, cause) => cannotCarry(plugged, value, cause),
  };
  return plugged;
}

/** The same bytes as no `Buffer`: its `slice` copies nothing, and a message that waits to be sent is copied by that. */
function plain(bytes: Uint8Array): Uint8Array {
  if (Object.getPrototypeOf(bytes) === Uint8Array.prototype) return bytes;
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}
