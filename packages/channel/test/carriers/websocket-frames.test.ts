import { randomFillSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type WebSocketSide, writeHeader } from '../../src/carriers/websocket-frame.js';
import { WebSocketInlet } from '../../src/carriers/websocket-inlet.js';
import { applyMask } from '../../src/carriers/websocket-mask.js';
import { WebSocketOutlet } from '../../src/carriers/websocket-outlet.js';

/** An inlet that gathers what it is told. */
function inlet(side: WebSocketSide): { readonly ours: () => Buffer; readonly theirs: () => Buffer } & WebSocketInlet {
  const [ours, theirs]: Buffer[][] = [[], []];
  const made = new WebSocketInlet(side, {
    bytes: (piece) => void ours?.push(Buffer.from(piece)),
    library: (bytes) => void theirs?.push(Buffer.from(bytes)),
  });
  return Object.assign(made, { ours: () => Buffer.concat(ours ?? []), theirs: () => Buffer.concat(theirs ?? []) });
}

/** `bytes` in chunks of these sizes, over and over; each at an offset of its own in its memory. */
function* cut(bytes: Uint8Array, sizes: readonly number[]): Generator<Uint8Array> {
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const part = bytes.subarray(at, at + (sizes[i % sizes.length] ?? 1));
    const memory = new Uint8Array(part.length + (i % 5));
    memory.set(part, i % 5);
    yield memory.subarray(i % 5);
    at += part.length;
  }
}

/** A frame that is not masked. */
function frame(first: number, payload: string): Buffer {
  return Buffer.concat([Uint8Array.of(first, payload.length), Buffer.from(payload)]);
}

const sizes = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 8 });

test('a mask applied by words is the mask applied by bytes, at every alignment and phase', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 300 }),
      fc.uint8Array({ minLength: 4, maxLength: 4 }),
      fc.nat(7),
      fc.nat(9),
      (bytes, mask, offset, phase) => {
        const memory = new Uint8Array(bytes.length + offset + 8).fill(7);
        const masked = memory.subarray(offset, offset + bytes.length);
        masked.set(bytes);
        applyMask(masked, mask, phase);
        expect(masked).toEqual(bytes.map((byte, i) => byte ^ (mask[(i + phase) & 3] ?? 0)));
        expect(memory.subarray(0, offset).every((byte) => byte === 7)).toBe(true);
        expect(memory.subarray(offset + bytes.length).every((byte) => byte === 7)).toBe(true);
      },
    ),
  );
});

describe.each([
  { from: 'client', to: 'server' },
  { from: 'server', to: 'client' },
] as const)('from $from to $to', ({ from, to }) => {
  test('what one side frames the other takes out, however it is cut; the pieces stay as they were', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.uint8Array({ maxLength: 400 }), { maxLength: 6 }), { maxLength: 6 }),
        sizes,
        (writes, cuts) => {
          const before = writes.map((pieces) => Buffer.concat(pieces));
          const outlet = new WebSocketOutlet(from);
          const framed = writes.flatMap((pieces) => outlet.frame(pieces, Buffer.concat(pieces).length));
          const taken = inlet(to);
          for (const chunk of cut(Buffer.concat(framed), cuts)) taken.receive(chunk);
          expect(taken.ours()).toEqual(Buffer.concat(before));
          expect(taken.theirs().length).toBe(0);
          expect(writes.map((pieces) => Buffer.concat(pieces))).toEqual(before);
        },
      ),
    );
  });

  test('a write of any size becomes messages of at most 128 KiB', () => {
    for (const size of [125, 126, 65_535, 65_536, 131_072, 131_073, 700_001]) {
      const pieces = [size >> 1, 0, size - (size >> 1)].map((length) => randomFillSync(new Uint8Array(length)));
      const framed = Buffer.concat(new WebSocketOutlet(from).frame(pieces, size));
      expect(framed.length - size).toBeLessThanOrEqual(14 * Math.ceil(size / 131_072));
      const taken = inlet(to);
      for (const chunk of cut(framed, [65_536, 1000])) taken.receive(chunk);
      expect(taken.ours().equals(Buffer.concat(pieces))).toBe(true);
    }
  });
});

test('a client’s masks differ, and nothing it sends is readable', () => {
  const outlet = new WebSocketOutlet('client');
  const plain = Buffer.alloc(64, 'a');
  const framed = Array.from({ length: 200 }, () => Buffer.concat(outlet.frame([plain], plain.length)));
  const masks = new Set(framed.map((bytes) => bytes.subarray(2, 6).toString('hex')));
  expect(masks.size).toBeGreaterThan(190);
});

test('all that is no whole binary message goes to ws as it came, however it is cut', () => {
  const odd = [
    frame(0x81, 'text'),
    frame(0x89, 'ping'),
    frame(0x02, 'first fragment'),
    frame(0x8a, 'pong between'),
    frame(0x82, 'binary inside of fragments, a fault'),
    frame(0x00, 'next'),
    frame(0x80, 'last'),
    frame(0xc2, 'reserved bit'),
    frame(0x83, 'unknown'),
    frame(0x88, 'close'),
  ];
  fc.assert(
    fc.property(sizes, (cuts) => {
      const taken = inlet('client');
      const whole = frame(0x82, 'ours');
      // A fault makes ws end the connection; until then frames are told apart.
      const stream = [...odd.slice(0, 4), ...odd.slice(5, 7), whole, ...odd.slice(7), whole];
      for (const chunk of cut(Buffer.concat(stream), cuts)) taken.receive(chunk);
      expect(taken.ours().toString()).toBe('ours');
      expect(taken.theirs()).toEqual(Buffer.concat([...odd.slice(0, 4), ...odd.slice(5)]));
    }),
  );
  const inside = inlet('client');
  inside.receive(Buffer.concat(odd.slice(2, 5)));
  expect(inside.ours().length).toBe(0);
});

test('a message that is too long, or masked where it should not be and the reverse, is for ws to refuse', () => {
  const long = new Uint8Array(14);
  const [header, masked] = [long.subarray(0, writeHeader(long, 1_048_577, false)), frame(0x82, 'plain')];
  const [atClient, atServer] = [inlet('client'), inlet('server')];
  atClient.receive(header.slice());
  expect(atClient.theirs()).toEqual(Buffer.from(header));
  atServer.receive(masked);
  expect(atServer.theirs().toString()).toContain('plain');
  const endless = inlet('client');
  endless.receive(Buffer.from([0x82, 127, ...new Array<number>(8).fill(255), 1, 2, 3]));
  expect(endless.theirs().length).toBe(13);
});

test('nothing is taken behind a close, and behind a stop', () => {
  const taken = inlet('client');
  taken.receive(Buffer.concat([frame(0x88, ''), frame(0x82, 'late')]));
  expect(taken.ours().length).toBe(0);
  const stopped = inlet('client');
  stopped.stop();
  stopped.receive(frame(0x82, 'late'));
  expect([stopped.ours().length, stopped.theirs().length]).toEqual([0, 0]);
});

test('random bytes never throw', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 100 })), fc.constantFrom('client', 'server'), (chunks, side) => {
      const taken = inlet(side);
      for (const chunk of chunks) taken.receive(chunk);
    }),
  );
});
