import { CircuitError } from '@circuit/base';
import { maxCodecNameBytes } from '../wire/frame.js';
import type { Codec } from './codec.js';
import { json } from './json.js';
import { messagePack } from './messagepack.js';

/** As many as a HELLO can name. */
const maxCodecs = 32;

/**
 * The codecs of a session by name: `msgpack`, `json` and those of the caller, which may stand in for the two. Throws
 * `invalid` for a name that is empty or longer than 64 bytes, and for more than 32 codecs.
 */
export function knownCodecs(plugged: readonly Codec[] = []): Map<string, Codec> {
  const known = new Map<string, Codec>();
  for (const codec of [messagePack(), json()]) known.set(codec.name, codec);
  for (const codec of plugged) {
    const bytes = new TextEncoder().encode(codec.name).length;
    if (bytes < 1 || bytes > maxCodecNameBytes) {
      throw new CircuitError('invalid', `codec ${codec.name}: name of ${bytes} bytes, want 1 to ${maxCodecNameBytes}`);
    }
    known.set(codec.name, checked(codec));
  }
  if (known.size > maxCodecs) {
    throw new CircuitError('invalid', `${known.size} codecs with msgpack and json, the limit is ${maxCodecs}`);
  }
  return known;
}

/** A codec of the caller's, whose encoder is held to its word: anything but bytes would go out as garbage. */
function checked(codec: Codec): Codec {
  return {
    name: codec.name,
    encode(value) {
      const bytes: unknown = codec.encode(value);
      if (bytes instanceof Uint8Array) return bytes;
      throw new TypeError(`encode answered with ${bytes === null ? 'null' : `a ${typeof bytes}`}, want a Uint8Array`);
    },
    decode: (bytes, revive) => codec.decode(bytes, revive),
  };
}
