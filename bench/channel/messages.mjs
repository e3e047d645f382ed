// Messages without channels, over anything that is a stream of Node's: MessagePack behind a length of four bytes, a hundred in one write.
import { once } from 'node:events';
import { Decoder, decode, Encoder, encode } from '@msgpack/msgpack';

const encoder = new Encoder();

/** Writes `value` so often, and the end; comes back when the far side has told that all arrived. */
export async function writeMessages(stream, count, value) {
  const answered = once(stream, 'data');
  for (let left = count; left > 0; ) {
    const batch = Buffer.allocUnsafe(16_384);
    let at = 0;
    for (let i = 0; i < 100 && left > 0; i++, left--) {
      const body = encoder.encodeSharedRef(value);
      if (at + 4 + body.length > batch.length) throw new Error('batch too small');
      at = batch.writeUInt32BE(body.length, at);
      batch.set(body, at);
      at += body.length;
    }
    if (!stream.write(batch.subarray(0, at))) await once(stream, 'drain');
  }
  stream.end();
  const arrived = decode((await answered)[0]);
  if (arrived !== count) throw new Error(`${arrived} of ${count} messages arrived`);
}

/** Decodes all messages of `stream`, of which `first` is here, and answers with their number. */
export function readMessages(stream, first = Buffer.alloc(0)) {
  const decoder = new Decoder();
  let rest = first;
  let count = 0;
  stream.on('data', (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    while (rest.length - at >= 4) {
      const length = rest.readUInt32BE(at);
      if (rest.length - at - 4 < length) break;
      decoder.decode(rest.subarray(at + 4, at + 4 + length));
      count++;
      at += 4 + length;
    }
    rest = rest.subarray(at);
  });
  stream.on('end', () => stream.end(encode(count)));
}
