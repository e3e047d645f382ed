import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bytesSegments, endSegment, goneSegment, receivedSegment, SegmentReader } from '../../src/resume/segments.js';
import { concat, hex, unhex } from '../support/raw-peer.js';

/** A reader that writes down what it reads. */
function record(): { readonly reader: SegmentReader; readonly heard: string[]; readonly bytes: () => Uint8Array } {
  const heard: string[] = [];
  const pieces: Uint8Array[] = [];
  const reader = new SegmentReader({
    bytes: (piece) => void pieces.push(piece),
    received: (count) => void heard.push(`received ${count}`),
    end: () => void heard.push('end'),
    gone: (reason) => void heard.push(`gone ${reason}`),
  });
  return { reader, heard, bytes: () => concat(pieces) };
}

test('the segments have the bytes that the protocol says', () => {
  expect(bytesSegments([unhex('0102'), unhex('03')]).map(hex)).toStrictEqual(['20000003010203']);
  expect(hex(receivedSegment(300))).toBe('21000002ac02');
  expect(hex(endSegment())).toBe('22000000');
  expect(hex(goneSegment('no'))).toBe('23000003026e6f');
});

test('segments are read the same however their bytes are cut', () => {
  const anyPieces = fc.array(fc.uint8Array({ maxLength: 6000 }), { maxLength: 5 });
  fc.assert(
    fc.property(
      anyPieces,
      fc.maxSafeInteger(),
      fc.string(),
      fc.array(fc.nat(), { maxLength: 20 }),
      (pieces, n, text, cuts) => {
        const count = Math.abs(n);
        const whole = concat([...bytesSegments(pieces), receivedSegment(count), goneSegment(text), endSegment()]);
        const { reader, heard, bytes } = record();
        const places = [0, ...cuts.map((cut) => cut % (whole.length + 1)).sort((a, b) => a - b), whole.length];
        for (let i = 1; i < places.length; i++)
          expect(reader.receive(whole.subarray(places[i - 1], places[i]))).toBe(undefined);
        expect(hex(bytes())).toBe(hex(concat(pieces)));
        expect(heard.map((one) => one.split(' ')[0])).toStrictEqual(['received', 'gone', 'end']);
        expect(heard[0]).toBe(`received ${count}`);
      },
    ),
  );
});

test('seventeen megabytes become several segments, and what is handed on is not copied', () => {
  const pieces = Array.from({ length: 17 }, (_, i) => new Uint8Array(1_048_576).fill(i));
  const segments = bytesSegments(pieces);
  expect(segments.filter((segment) => segment.length < 1000).map(hex)).toStrictEqual(['20f00000', '20200000']);
  expect(segments.filter((segment) => segment.length > 1000).every((segment, i) => segment === pieces[i])).toBe(true);
});

test('a reason of any length fits into a GONE', () => {
  const { reader, heard } = record();
  expect(reader.receive(goneSegment('€'.repeat(5000)))).toBe(undefined);
  expect(heard).toStrictEqual([`gone ${'€'.repeat(256)}`]);
});

const faults: readonly [string, string, RegExp][] = [
  ['an unknown type', '2400000100', /unknown segment type 36/],
  ['a frame of a session', '0c000001000', /unknown segment type 12/],
  ['an END that is not empty', '2200000100', /END of 1 bytes/],
  ['a RECEIVED without a count', '21000000', /malformed RECEIVED/],
  ['a RECEIVED cut short', '2100000180', /malformed RECEIVED/],
  ['a RECEIVED with more behind it', '210000020101', /malformed RECEIVED/],
  ['a RECEIVED of sixteen megabytes', '21ffffff', /of 16777215 bytes/],
  ['a GONE of sixteen megabytes', '23ffffff', /of 16777215 bytes/],
  ['a GONE of bad UTF-8', '2300000201ff', /malformed GONE/],
];

test.each(faults)('%s is a fault, not an exception', (_name, bytes, fault) => {
  expect(record().reader.receive(unhex(bytes))).toMatch(fault);
});

test('random bytes never throw', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 5 }), (chunks) => {
      const { reader } = record();
      for (const chunk of chunks) if (reader.receive(chunk) !== undefined) return;
    }),
    { numRuns: 5000 },
  );
});
