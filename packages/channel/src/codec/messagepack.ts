import { CircuitError } from '@circuit/base';
import { Decoder, Encoder, ExtData } from '@msgpack/msgpack';
import { view } from '../wire/view.js';
import { maxDepth, maxParts } from './bounds.js';
import { type Codec, type Revive, Tagged } from './codec.js';
import { checkMessagePack } from './messagepack-check.js';
import * as tag from './tag.js';

/** The highest number of the table. */
const lastTag = tag.text;
/** A body of so few bytes can nest no deeper and hold no more elements: it is decoded without a check of its structure. */
const shortBytes = maxDepth;
/** An encoder keeps a buffer as large as the largest body that it ever made, a decoder the last body: beyond this they go with the message. */
const keptBytes = 262_144;

/** MessagePack (https://msgpack.org); each tag is the extension type of its number, its data the encoded body. */
export function messagePack(): Codec {
  let revive: Revive = refuse;
  const extensionCodec = {
    tryToEncode: (value: unknown): ExtData | null =>
      value instanceof Tagged ? new ExtData(value.tag, encoder.encode(value.body)) : null,
    decode(data: Uint8Array, type: number): unknown {
      if (type < 0 || type > lastTag) throw new CircuitError('unsupported', `messagepack: unknown extension ${type}`);
      // A long body was checked with all its extensions.
      return revive(type, (data.length <= shortBytes ? short : long).decode(data));
    },
  };
  const newEncoder = (): Encoder => new Encoder({ extensionCodec, maxDepth });
  let encoder = newEncoder();
  // Room is made for as many elements as a list claims to have, before the first is there.
  const short = new Decoder({ extensionCodec, maxArrayLength: shortBytes, maxMapLength: shortBytes });
  const newLong = (): Decoder => new Decoder({ extensionCodec });
  let long = newLong();
  let scratch: Uint8Array | undefined;
  return {
    name: 'msgpack',
    encode(value) {
      if (value instanceof Uint8Array && value.length <= shortBytes) return putBytes((scratch ??= newScratch()), value);
      let bytes = Infinity;
      try {
        const body = encoder.encodeSharedRef(value);
        bytes = body.length;
        if (bytes > maxParts) check(body, 'limit');
        return body;
      } finally {
        if (bytes > keptBytes) encoder = newEncoder();
      }
    },
    decode(bytes, reviveNow) {
      const alone = bytesAlone(bytes);
      if (alone !== undefined) return alone;
      revive = reviveNow;
      try {
        if (bytes.length <= shortBytes) return short.decode(bytes);
        check(bytes, 'invalid');
        return long.decode(bytes);
      } finally {
        revive = refuse;
        if (bytes.length > keptBytes) long = newLong();
      }
    },
  };
}

// A message of bytes alone is what channels carry most, and needs neither the library's walk nor its view of the body.
const bin8 = 0xc4;
const bin16 = 0xc5;

/** A body that holds only `bytes`, at most {@link shortBytes}; it stands in `scratch`. */
function putBytes(scratch: Uint8Array, bytes: Uint8Array): Uint8Array {
  const { length } = bytes;
  const short = length < 256;
  scratch[0] = short ? bin8 : bin16;
  if (!short) scratch[1] = length >>> 8;
  const front = short ? 2 : 3;
  scratch[front - 1] = length;
  scratch.set(bytes, front);
  return view(scratch, 0, front + length);
}

function newScratch(): Uint8Array {
  return new Uint8Array(shortBytes + 3);
}

/** The bytes of a body that holds nothing else. */
function bytesAlone(body: Uint8Array): Uint8Array | undefined {
  const [first, high = 0, low = 0] = [body[0], body[1], body[2]];
  if (first === bin8 && high === body.length - 2) return view(body, 2, body.length);
  return first === bin16 && high * 256 + low === body.length - 3 ? view(body, 3, body.length) : undefined;
}

function check(body: Uint8Array, code: 'invalid' | 'limit'): void {
  const fault = checkMessagePack(body);
  if (fault !== undefined) throw new CircuitError(code, `messagepack: ${fault}`);
}

function refuse(): never {
  throw new CircuitError('internal', 'messagepack: no decoding under way');
}
