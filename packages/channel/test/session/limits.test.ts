import { CircuitError } from '@circuit/base';
import { ChannelSession, memoryPair, plugCodec } from '@circuit/channel';
import { collect, openChannel, take } from '@circuit/channel/conformance';
import { settle } from '@circuit/testkit';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { defaultLimits, resolveLimits } from '../../src/session/limits.js';
import { readReason, writeReason } from '../../src/session/reason.js';
import { Writer } from '../../src/session/writer.js';
import { ByteCursor } from '../../src/wire/varint.js';
import { connectMemory } from '../support/transports.js';
import { parseFrames } from '../support/raw-peer.js';

test('limits that cannot work are refused by name', () => {
  for (const [name, value] of [
    ['maxChannels', 0],
    ['maxMessageBytes', 1.5],
    ['windowBytes', 131_071],
    ['streamWindowBytes', 1],
    ['maxUnreadBytes', Number.NaN],
  ] as const) {
    expect(() => resolveLimits({ [name]: value })).toThrow(new RegExp(`session limit ${name}: ${value}`));
  }
  expect(resolveLimits({ maxChannels: undefined, windowBytes: 131_072 })).toStrictEqual({
    ...defaultLimits,
    windowBytes: 131_072,
  });
});

test('targets and origins beyond their bounds are refused when the channel is opened', async () => {
  const pair = await connectMemory();
  expect(() => pair.a.open({ target: 'ü'.repeat(513) })).toThrow(/target of 1026 bytes, the limit is 1024/);
  expect(() => pair.a.open({ origin: new Uint8Array(4097) })).toThrow(/origin of 4097 bytes, the limit is 4096/);
  const { sender, receiver } = await openChannel(pair.a, pair.b, {
    target: 'x'.repeat(1024),
    origin: new Uint8Array(4096),
  });
  sender.close();
  expect(await collect(receiver)).toStrictEqual([]);
  await pair.close();
});

test('a reason of any length and alphabet arrives, cut between characters', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 2000 }), fc.string({ maxLength: 20 }), (message, detail) => {
      let written = new Uint8Array(0);
      const outlet = {
        bufferedBytes: 0,
        write: (pieces: Uint8Array[]) => void (written = Uint8Array.from(pieces.flatMap((piece) => [...piece]))),
      };
      const writer = new Writer(outlet, () => undefined);
      writeReason(writer, 7, 1, new CircuitError('gone', message, { detail }));
      writer.flush();
      const [frame] = parseFrames(written);
      const payload = frame?.payload ?? new Uint8Array(0);
      const read = readReason(new ByteCursor(payload, 0, payload.length));
      expect(read?.code).toBe('gone');
      if (new TextEncoder().encode(message).length <= 1024) expect(read?.message).toBe(Buffer.from(message).toString());
      expect(read?.detail ?? '').toBe(Buffer.from(detail).toString());
    }),
  );
});

test('empty messages of a plugged codec that wait are written before the session says goodbye', async () => {
  const codec = plugCodec({ name: 'empty', encode: () => new Uint8Array(0), decode: () => 'empty' });
  const [left, right] = memoryPair();
  const a = new ChannelSession(left, 'dialler', { codecs: [codec], keepAliveMs: 0 });
  const b = new ChannelSession(right, 'listener', {
    codecs: [codec],
    keepAliveMs: 0,
    limits: { windowBytes: 131_072 },
  });
  const { sender, receiver } = await openChannel(a, b, { codec: 'empty' });
  const sent = Promise.all(Array.from({ length: 5000 }, () => sender.send(null)));
  await settle();
  const closing = a.close();
  for (let i = 0; i < 5000; i++) expect((await take(receiver)).value).toBe('empty');
  await Promise.all([sent, closing]);
  await b.closed;
});
