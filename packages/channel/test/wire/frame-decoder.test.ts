import fc from 'fast-check';
import { expect, test } from 'vitest';
import { maxLength } from '../../src/wire/frame.js';
import * as frameType from '../../src/wire/frame-type.js';
import { FrameDecoder } from '../../src/wire/frame-decoder.js';
import { fuzzFor } from '../support/fuzz-for.js';
import { concat, frame, hex } from '../support/raw-peer.js';

/** The two tests of this file that try anything share the time of a run. */
const fuzzMs = Number(process.env.CIRCUIT_FUZZ_MS ?? 600) / 2;

/** What comes out of a decoder for these reads: whole frames, and for each stream its bytes joined. */
function decode(reads: readonly Uint8Array[]): { out: string[]; fault: string | undefined } {
  const out: string[] = [];
  let stream: { id: number; bytes: string } | undefined;
  const decoder = new FrameDecoder({
    frame(type, id, payload) {
      stream = undefined;
      out.push(`${type}/${id}/${hex(payload.rest())}`);
      return undefined;
    },
    bytes(id, piece) {
      if (stream?.id === id) {
        stream.bytes += hex(piece);
        out[out.length - 1] = `bytes/${id}/${stream.bytes}`;
      } else {
        stream = { id, bytes: hex(piece) };
        out.push(`bytes/${id}/${stream.bytes}`);
      }
      return undefined;
    },
  });
  for (const read of reads) {
    const fault = decoder.receive(read);
    if (fault !== undefined) return { out, fault };
  }
  return { out, fault: undefined };
}

const anyFrame = fc
  .tuple(
    fc.constantFrom(...Object.values(frameType), 0x80),
    fc.oneof(fc.nat(300), fc.maxSafeNat()),
    fc.uint8Array({ maxLength: 400 }),
  )
  .map(([type, id, payload]) => frame(type, id, payload));

const anyBytes = fc.uint8Array({ maxLength: 200 });
/** A header and bytes that need be neither an id nor as many as it says; of random bytes alone nearly all are too long at once. */
const anyHeader = fc
  .tuple(fc.nat(255), fc.nat(20), anyBytes)
  .map(([type, length, more]) => concat([Uint8Array.of(type, 0, 0, length), more]));

/** `bytes` cut at the given places. */
function cutAt(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((x, y) => x - y), bytes.length];
  return places.slice(1).map((end, i) => bytes.slice(places[i], end));
}

test(
  'however the bytes are cut, the frames are the same',
  async () => {
    await fuzzFor(
      fuzzMs,
      fc.property(fc.array(anyFrame, { maxLength: 12 }), fc.array(fc.nat(5000), { maxLength: 20 }), (frames, cuts) => {
        const bytes = concat(frames);
        expect(decode(cutAt(bytes, cuts))).toStrictEqual(decode([bytes]));
      }),
    );
  },
  fuzzMs + 60_000,
);

test('a frame of the largest length is taken, one byte more is refused before it is there', () => {
  expect(decode([frame(frameType.data, 1, new Uint8Array(maxLength - 1))]).fault).toBe(undefined);
  for (const type of [frameType.data, frameType.bytes]) {
    expect(decode([frame(type, 1, [], maxLength + 1).subarray(0, 4)]).fault).toMatch(/the limit is 73728/);
  }
});

test('a decoder that has met a fault takes nothing more', () => {
  const decoder = new FrameDecoder({ frame: () => 'no', bytes: () => undefined });
  expect(decoder.receive(frame(1, 0))).toBe('no');
  expect(decoder.receive(frame(1, 0))).toBe(undefined);
});

test(
  'random bytes never make a decoder throw',
  async () => {
    await fuzzFor(
      fuzzMs,
      fc.property(fc.array(fc.oneof(anyBytes, anyHeader), { maxLength: 10 }), (reads) => {
        decode(reads);
      }),
    );
  },
  fuzzMs + 60_000,
);
