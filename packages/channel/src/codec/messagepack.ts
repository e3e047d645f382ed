import { Decoder, Encoder, ExtensionCodec } from '@msgpack/msgpack';
import { CircuitError } from '@circuit/base';
import { type Codec, type Revive, Tagged } from './codec.js';
import { lastTag } from './tags.js';

const maxDepth = 512;

/** MessagePack (https://msgpack.org); each tag is the extension type of its number, its data the encoded body. */
export function messagePack(): Codec {
  let revive: Revive = refuse;
  const extensions = new ExtensionCodec();
  for (let tag = 0; tag <= lastTag; tag++) {
    extensions.register({
      type: tag,
      encode: (value) => (value instanceof Tagged && value.tag === tag ? encoder.encode(value.body) : null),
      decode: (data) => revive(tag, decoder.decode(data)),
    });
  }
  const encoder = new Encoder({ extensionCodec: extensions, maxDepth });
  const decoder = new Decoder({ extensionCodec: extensions });
  return {
    name: 'msgpack',
    encode: (value) => encoder.encodeSharedRef(value),
    decode(bytes, reviveNow) {
      revive = reviveNow;
      try {
        return decoder.decode(bytes);
      } finally {
        revive = refuse;
      }
    },
  };
}

function refuse(): never {
  throw new CircuitError('internal', 'messagepack: no decoding under way');
}
