import { defaultLimits } from '@circuit/channel';
import { settle } from '@circuit/testkit';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeAuth, readAuth } from '../../src/auth/hello.js';
import { decodeHello, encodeHello } from '../../src/session/hello.js';
import * as frameType from '../../src/wire/frame-type.js';
import { ByteCursor } from '../../src/wire/varint.js';
import { fuzzFor } from '../support/fuzz-for.js';
import { concat, frame, hello, open, RawPeer } from '../support/raw-peer.js';

/** The three tests of this file share the time of a run. */
const fuzzMs = Number(process.env.CIRCUIT_FUZZ_MS ?? 4500) / 3;

const id = fc.constantFrom(0, 1, 2, 3, 4, 5, 7, 9);
const anyBytes = fc.uint8Array({ maxLength: 60 });
const known = fc.constantFrom(...Object.values(frameType), 0x7f, 0x80);
const likely = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(known, id, anyBytes).map(([type, at, payload]) => frame(type, at, payload)) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(id, fc.nat(15), anyBytes)
      .map(([at, flags, body]) => frame(frameType.data, at, [flags, ...body])),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(id, id, fc.integer({ min: 1, max: 5 }))
      .map(([at, ref, kind]) => frame(frameType.data, at, [2, 1, kind, ref, 0xd4, 0, 0])),
  },
  { weight: 2, arbitrary: fc.tuple(id, fc.constantFrom('msgpack', 'json')).map(([at, codec]) => open(at, codec)) },
  { weight: 1, arbitrary: anyBytes },
);

test(
  'random frames and bytes never throw, never hang the table, and end a session at most once',
  async () => {
    await fuzzFor(
      fuzzMs,
      fc.asyncProperty(
        fc.array(likely, { maxLength: 25 }),
        fc.array(fc.nat(3000), { maxLength: 4 }),
        async (frames, cuts) => {
          const peer = new RawPeer('listener', { limits: { maxChannels: 20 } });
          const bytes = concat([hello(), open(1), ...frames]);
          const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((x, y) => x - y), bytes.length];
          for (let i = 1; i < places.length; i++) peer.carrier.events?.data(bytes.slice(places[i - 1], places[i]));
          for (let channels = peer.session.stats.unaccepted; channels > 0; channels--) {
            const { receiver } = await peer.session.accept();
            try {
              for (let message = receiver.tryReceive(); message?.done === false; message = receiver.tryReceive())
                void message.ret.send(1).catch(() => undefined);
            } catch (error) {
              expect(['protocol', 'aborted', 'closed', 'internal']).toContain((error as { code: string }).code);
            }
          }
          expect(peer.session.stats.channels).toBeLessThanOrEqual(20);
          peer.session.abort();
          peer.hangUp();
          expect(peer.session.stats.channels).toBe(0);
        },
      ),
    );
    await settle();
  },
  fuzzMs + 60_000,
);

test(
  'random bodies through both codecs either decode or end the channel',
  async () => {
    const peer = new RawPeer('listener');
    await peer.feed(hello());
    let next = 1;
    await fuzzFor(
      fuzzMs,
      fc.asyncProperty(
        fc.oneof(
          fc.uint8Array({ maxLength: 700 }),
          fc.json().map((text) => new TextEncoder().encode(text)),
        ),
        fc.constantFrom('msgpack', 'json'),
        async (body, codec) => {
          const channel = next;
          next += 2;
          peer.carrier.events?.data(
            concat([
              open(channel, codec),
              frame(frameType.data, channel, [0, ...body]),
              frame(frameType.close, channel),
            ]),
          );
          const { receiver } = await peer.session.accept();
          await receiver.receive().catch((error: unknown) => expect(error).toMatchObject({ code: 'protocol' }));
          expect(peer.session.refusal).toBe(undefined);
          expect(peer.session.stats.channels).toBe(0);
        },
      ),
    );
    peer.session.abort();
  },
  fuzzMs + 60_000,
);

const token = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length });

test(
  'what a HELLO says comes back, and bytes behind what is known are ignored',
  async () => {
    const limits = fc.record({
      maxChannels: fc.integer({ min: 1 }),
      maxMessageBytes: fc.integer({ min: 1 }),
      windowBytes: fc.integer({ min: 131_072 }),
      streamWindowBytes: fc.integer({ min: 131_072 }),
    });
    const auth = fc.record({
      scheme: fc.constant(1),
      bind: fc.boolean(),
      nonce: fc.uint8Array({ minLength: 32, maxLength: 32 }),
      identity: fc.string({ maxLength: 60, unit: 'grapheme' }),
    });
    await fuzzFor(
      fuzzMs,
      fc.property(
        limits,
        fc.array(fc.string({ maxLength: 16, unit: 'grapheme-ascii' }), { maxLength: 32 }),
        fc.option(auth, { nil: undefined }),
        fc.option(token(16), { nil: undefined }),
        fc.option(fc.record({ process: token(16), session: token(8), key: token(16) }), { nil: undefined }),
        anyBytes,
        (some, codecs, proof, lane, home, more) => {
          const fields = {
            ...(proof === undefined ? {} : { auth: { ...proof } }),
            ...(lane === undefined ? {} : { lane }),
            ...(home === undefined ? {} : { home: { ...home } }),
          };
          const hi = { limits: { ...defaultLimits, ...some }, codecs, ...fields };
          const said = proof === undefined ? undefined : encodeAuth(proof);
          const noScheme = proof === undefined && lane === undefined && home === undefined ? [0] : [];
          const noLane = lane === undefined && home === undefined ? [0] : [];
          const noHome = home === undefined ? [0] : [];
          const bytes = concat([
            encodeHello({ ...hi, auth: said }),
            Uint8Array.of(...noScheme, ...noLane, ...noHome),
            more,
          ]);
          expect(decodeHello(new ByteCursor(bytes, 0, bytes.length), defaultLimits, readAuth)).toStrictEqual(hi);
        },
      ),
    );
  },
  fuzzMs + 60_000,
);
