import { expect, test } from 'vitest';
import fc from 'fast-check';
import { encodeFrame, type Frame, FrameDecoder, maxFrameBytes } from '../../src/protocol/frames.js';

function decode(pieces: readonly Uint8Array[]): Frame[] {
  const decoder = new FrameDecoder();
  return pieces.flatMap((piece) => [...decoder.receive(piece)]);
}

test('frames come out whole whatever way the bytes are cut', () => {
  fc.assert(
    fc.property(fc.array(fc.jsonValue(), { maxLength: 5 }), fc.array(fc.nat(400)), (values, cuts) => {
      const bytes = Buffer.concat(values.map((value) => encodeFrame(value)!));
      const edges = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
      const pieces = edges.slice(1).map((edge, i) => bytes.subarray(edges[i], edge));
      expect(decode(pieces)).toEqual(
        values.map((value) => ({ ok: true, value: JSON.parse(JSON.stringify(value)) as unknown })),
      );
    }),
  );
});

test('a cut at each single byte changes nothing', () => {
  const bytes = Buffer.concat([encodeFrame({ id: 1, verb: 'watch' })!, encodeFrame({ id: 2, text: 'ä' })!]);
  for (let cut = 0; cut <= bytes.length; cut += 1) {
    expect(decode([bytes.subarray(0, cut), bytes.subarray(cut)])).toHaveLength(2);
  }
});

test('a length of zero or beyond the bound ends the decoding, and so does what is not JSON', () => {
  const over = Buffer.alloc(4);
  over.writeUInt32BE(maxFrameBytes + 1);
  expect(decode([over, encodeFrame(1)!])).toEqual([
    { ok: false, reason: expect.stringContaining('1048577') as string },
  ]);
  expect(decode([Buffer.alloc(4), encodeFrame(1)!])).toHaveLength(1);
  expect(decode([Buffer.from('\0\0\0\x02{]'), encodeFrame(1)!])).toEqual([
    { ok: false, reason: 'frame of 2 bytes is not JSON' },
  ]);
});

test('arbitrary bytes never throw and never yield anything after a refusal', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 64 })), (pieces) => {
      const frames = decode(pieces);
      const refusal = frames.findIndex((frame) => !frame.ok);
      expect(refusal === -1 || refusal === frames.length - 1).toBe(true);
    }),
  );
});

test('a value too large for a frame is not encoded', () => {
  expect(encodeFrame('x'.repeat(maxFrameBytes - 2))).toBeDefined();
  expect(encodeFrame('x'.repeat(maxFrameBytes - 1))).toBeUndefined();
});
