import { plugCodec, type PluggedCodec, Tagged, valueTag } from '@circuit/channel';
import { type DecodeOptions, decode, type EncodeOptions, encode, Token, Type } from 'cborg';
import { bigIntDecoder, bigNegIntDecoder, structBigIntEncoder } from 'cborg/taglib';

/** A CBOR tag from the range that is free for anybody (RFC 8949, 9.2): the index of a reference. */
const referenceTag = 40_000;
const dateTag = 1;
const none: readonly [] = [];

/**
 * CBOR (RFC 8949) by the library `cborg`, as an example of a codec of one's own: plain data, bytes, `undefined`, −0, bigints,
 * dates and ends of channels have a form in it. Maps, sets, errors and typed arrays do not, and are refused.
 */
export function cbor(): PluggedCodec {
  const encodeOptions: EncodeOptions = {
    typeEncoders: { Object: (value: unknown) => (value instanceof Tagged ? tagged(value) : null) },
  };
  return plugCodec({
    name: 'cbor',
    encode: (value) => encode(value, encodeOptions),
    decode(bytes, revive) {
      const tags: DecodeOptions['tags'] = {
        2: bigIntDecoder,
        3: bigNegIntDecoder,
        [dateTag]: (body) => new Date(Math.round(Number(body()) * 1000)),
        [referenceTag]: (body) => revive(valueTag.reference, body()),
      };
      return decode(bytes, { tags, allowIndefinite: false, rejectDuplicateMapKeys: true }) as unknown;
    },
  });
}

/** What a tag is in CBOR. Throws for what has no form in it. */
function tagged({ tag: number, body }: Tagged): Token[] {
  switch (number) {
    case valueTag.reference:
      return [new Token(Type.tag, referenceTag), new Token(Type.uint, body)];
    case valueTag.undefined:
      return [new Token(Type.undefined, ...none)];
    case valueTag.negativeZero:
      return [new Token(Type.float, -0)];
    case valueTag.bigint:
      return structBigIntEncoder(BigInt(body as string));
    case valueTag.date:
      return [new Token(Type.tag, dateTag), new Token(Type.float, (body as number) / 1000)];
    default:
      throw new Error('cbor has no form for it');
  }
}
