import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeStep, encodeStep, type Step } from '../../src/resume/handshake.js';
import { prove, proves } from '../../src/resume/proof.js';
import { hex, unhex } from '../support/raw-peer.js';

const [id, nonce, token] = [new Uint8Array(16).fill(1), new Uint8Array(32).fill(2), new Uint8Array(32).fill(3)];

const steps: readonly Step[] = [
  { step: 'new', timeMs: 30_000, bufferBytes: 8_388_608 },
  { step: 'started', id, token, timeMs: 100, bufferBytes: 1_048_576 },
  { step: 'again', id, nonce },
  { step: 'challenge', nonce, proof: token },
  { step: 'proof', received: 2 ** 53 - 1, proof: token },
  { step: 'go-on', received: 0 },
  { step: 'refused', code: 'gone', message: 'no such session' },
];

test('a NEW has the bytes that the protocol says', () => {
  expect(hex(encodeStep({ step: 'new', timeMs: 30_000, bufferBytes: 8_388_608 }))).toBe(
    '1300000e0043525253010' + '1b0ea0180808004',
  );
});

test.each(steps)('$step is read as it was written, from no byte less, with room for more', (step) => {
  const frame = encodeStep(step);
  expect(decodeStep(frame)).toStrictEqual({ step, length: frame.length });
  for (let cut = 0; cut < frame.length; cut++) expect(decodeStep(frame.subarray(0, cut))).toBe(undefined);
  const longer = new Uint8Array(frame.length + 3);
  longer.set(frame);
  longer[3] = (frame[3] ?? 0) + 2;
  expect(decodeStep(longer)).toStrictEqual({ step, length: frame.length + 2 });
});

const faults: readonly [string, string, RegExp][] = [
  ['a HELLO', '01', /^HELLO$/],
  ['HTTP', hex(new TextEncoder().encode('GET / HTTP/1.1')), /frame type 71 before RESUME/],
  ['a frame that is too long', '13001001', /RESUME of 4097 bytes, the limit is 4096/],
  ['an id', '130000070143525253010', /malformed/],
  ['another word', '1300000700435252540101', /malformed/],
  ['another version', '13000007004352525302 01'.replace(' ', ''), /version 2, this side speaks 1/],
  ['an unknown step', '1300000700435252530108', /unknown step 8/],
  ['a cut NEW', '13000008004352525301 01 80'.replaceAll(' ', ''), /timeMs|malformed/],
  ['no time', hex(encodeStep({ step: 'new', timeMs: 99, bufferBytes: 1_048_576 })), /timeMs 99, from 100/],
  ['too much time', hex(encodeStep({ step: 'new', timeMs: 86_400_001, bufferBytes: 1_048_576 })), /timeMs/],
  ['no buffer', hex(encodeStep({ step: 'new', timeMs: 100, bufferBytes: 1 })), /bufferBytes 1, from 1048576/],
  ['too large a buffer', hex(encodeStep({ step: 'new', timeMs: 100, bufferBytes: 2 ** 40 })), /bufferBytes/],
];

test.each(faults)('%s is refused in words', (_name, bytes, fault) => {
  expect(decodeStep(unhex(bytes.length % 2 === 0 ? bytes : `${bytes}0`))).toMatch(fault);
});

test('random bytes behind the head never throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 120 }), fc.boolean(), (bytes, headed) => {
      const front = headed ? unhex('13000040004352525301') : unhex('13');
      decodeStep(Uint8Array.from([...front, ...bytes]));
    }),
    { numRuns: 5000 },
  );
});

test('a proof holds for its role, nonces, id, count and token, and for nothing else', async () => {
  const text = { id, diallerNonce: nonce, listenerNonce: token, received: 5 };
  const proof = await prove(token, 'dialler', text);
  // As Python's hmac has it.
  expect(hex(proof)).toBe('179c508eb6b2179d035afa949c7814429c5bc0268be7d62eb289a3ab1b883287');
  expect(await proves(token, 'dialler', text, proof)).toBe(true);
  const others = [
    proves(token, 'listener', text, proof),
    proves(nonce, 'dialler', text, proof),
    proves(token, 'dialler', { ...text, received: 6 }, proof),
    proves(token, 'dialler', { ...text, id: id.map((byte) => byte + 1) }, proof),
    proves(token, 'dialler', { ...text, diallerNonce: token, listenerNonce: nonce }, proof),
    proves(token, 'dialler', text, proof.subarray(1)),
    proves(
      token,
      'dialler',
      text,
      proof.map((byte, i) => (i === 31 ? byte ^ 1 : byte)),
    ),
  ];
  expect(await Promise.all(others)).toStrictEqual(others.map(() => false));
});
