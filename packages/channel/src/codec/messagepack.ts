import { CircuitError } from '@circuit/base';
import { Decoder, Encoder, ExtData } from '@msgpack/msgpack';
import { type Codec, type Revive, Tagged } from './codec.js';
import { checkMessagePack } from './messagepack-check.js';
import { lastTag } from './tags.js';

const maxDepth = 512;
/** A body of so few bytes can nest no deeper and hold no more elements: it is decoded without a check of its structure. */
const shortBytes = maxDepth;

/** MessagePack (https://msgpack.org); each tag is the extension type of its number, its data the encoded body. */
export function messagePack(): Codec {
  let revive: Revive = refuse;
  let nesting = 0;
  const decodeBody = (bytes: Uint8Array): unknown => {
    if (bytes.length <= shortBytes) return short.decode(bytes);
    const fault = checkMessagePack(bytes, maxDepth);
    if (fault !== undefined) throw new CircuitError('invalid', `messagepack: ${fault}`);
    return long.decode(bytes);
  };
  const extensionCodec = {
    tryToEncode: (value: unknown): ExtData | null =>
      value instanceof Tagged ? new ExtData(value.tag, encoder.encode(value.body)) : null,
    decode(data: Uint8Array, type: number): unknown {
      if (type < 0 || type > lastTag) throw new CircuitError('unsupported', `messagepack: unknown extension ${type}`);
      if (++nesting > maxDepth) throw new CircuitError('invalid', `messagepack: nested deeper than ${maxDepth}`);
      const body = decodeBody(data);
      nesting--;
      return revive(type, body);
    },
  };
  const encoder: Encoder = new Encoder({ extensionCodec, maxDepth });
  // Room is made for as many elements as a list claims to have, before the first is there.
  const short = new Decoder({ extensionCodec, maxArrayLength: shortBytes, maxMapLength: shortBytes });
  const long = new Decoder({ extensionCodec });
  return {
    name: 'msgpack',
    encode: (value) => encoder.encodeSharedRef(value),
    decode(bytes, reviveNow) {
      revive = reviveNow;
      nesting = 0;
      try {
        return decodeBody(bytes);
      } finally {
        revive = refuse;
      }
    },
  };
}

function refuse(): never {
  throw new CircuitError('internal', 'messagepack: no decoding under way');
}
