import { CircuitError } from '@circuit/base';
import type { Codec, PluggedCodec } from './codec.js';
import { json } from './json.js';
import { messagePack } from './messagepack.js';

/** As many as a HELLO can name. */
export const maxCodecs = 32;

/**
 * The codecs of a session by name: `msgpack`, `json` and those of the caller, which may stand in for the two. Throws `invalid`
 * for more than 32.
 */
export function knownCodecs(plugged: readonly PluggedCodec[] = []): Map<string, Codec> {
  const known = new Map([messagePack(), json(), ...plugged].map((codec) => [codec.name, codec]));
  if (known.size <= maxCodecs) return known;
  throw new CircuitError('invalid', `${known.size} codecs with msgpack and json, the limit is ${maxCodecs}`);
}

/** The codec of that name. Throws `unsupported`. */
export function knownCodec(known: ReadonlyMap<string, Codec>, name: string): Codec {
  const codec = known.get(name);
  if (codec !== undefined) return codec;
  throw new CircuitError('unsupported', `codec ${name}: unknown here, known are ${[...known.keys()].join(', ')}`);
}
