import { keyAuth } from '@circuit/channel/auth';
import { ManualClock, until } from '@circuit/testkit';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { authPair, dialAuth, listenAuth, type Tap } from '../support/auth-pair.js';
import { concat, frame, RawPeer } from '../support/raw-peer.js';

interface Outcome {
  readonly dialler: string;
  readonly listener: string;
}

/** Calls of WebCrypto under way, which take another thread's time. */
let computing = 0;

beforeAll(() => {
  for (const name of ['importKey', 'sign'] as const) {
    const original = crypto.subtle[name].bind(crypto.subtle) as (...args: readonly unknown[]) => Promise<unknown>;
    vi.spyOn(crypto.subtle, name).mockImplementation((async (...args: readonly unknown[]) => {
      computing++;
      try {
        return await original(...args);
      } finally {
        computing--;
      }
    }) as never);
  }
});

afterAll(() => {
  vi.restoreAllMocks();
});

/** What becomes of a handshake whose bytes pass through taps; `timePasses` while nothing is decided or computed. */
async function outcome(dialTap?: Tap, listenTap?: Tap, timePasses = true): Promise<Outcome> {
  const clock = new ManualClock();
  const pair = authPair({
    dial: { clock },
    listen: { clock },
    ...(dialTap === undefined ? {} : { dialTap }),
    ...(listenTap === undefined ? {} : { listenTap }),
  });
  const state: { dialler?: string; listener?: string } = {};
  for (const side of ['dialler', 'listener'] as const) {
    const session = pair[side];
    session.ready.then(
      () => (state[side] = String(session.peer.identity)),
      (error: unknown) => (state[side] = (error as { code: string }).code),
    );
  }
  while (state.dialler === undefined || state.listener === undefined) {
    await new Promise((resolve) => setImmediate(resolve));
    if (timePasses && computing === 0) await clock.advance(10);
  }
  pair.dialler.abort();
  pair.listener.abort();
  return { dialler: state.dialler, listener: state.listener };
}

/** Flips one bit of what is written, counted over all writes. */
function flip(at: number, bit: number): Tap {
  let seen = 0;
  return (chunk) => {
    const index = at - seen;
    seen += chunk.length;
    if (index < 0 || index >= chunk.length) return [chunk];
    const changed = chunk.slice();
    changed[index] = (changed[index] as number) ^ (1 << bit);
    return [changed];
  };
}

const right = { dialler: 'worker-7', listener: 'worker-7' };
/** HELLO of 122 and 114 bytes with their heads, and a MAC's frame of 37. */
const diallerBytes = 122 + 37;
const listenerBytes = 114 + 37;

test('the handshake has the length that the following tests walk through', async () => {
  const count = { dialler: 0, listener: 0 };
  const counting =
    (side: keyof typeof count): Tap =>
    (chunk) => {
      count[side] += chunk.length;
      return [chunk];
    };
  expect(await outcome(counting('dialler'), counting('listener'), false)).toStrictEqual(right);
  expect([count.dialler, count.listener]).toStrictEqual([diallerBytes, listenerBytes]);
});

test('a flipped bit in any byte from the dialler is refused by both', async () => {
  for (let at = 0; at < diallerBytes; at++) {
    const { dialler, listener } = await outcome(flip(at, at % 8));
    expect({ at, dialler: dialler === 'worker-7', listener: listener === 'worker-7' }).toStrictEqual({
      at,
      dialler: false,
      listener: false,
    });
  }
});

test('a flipped bit in any byte from the listener is refused by the dialler', async () => {
  for (let at = 0; at < listenerBytes; at++) {
    const { dialler, listener } = await outcome(undefined, flip(at, (at + 3) % 8));
    expect({ at, refused: dialler !== 'worker-7' }).toStrictEqual({ at, refused: true });
    // In front of the PROOF the listener refuses, too; behind it has only who holds the key.
    if (at < listenerBytes - 37) expect(listener).not.toBe('worker-7');
  }
});

test('flipped, doubled, dropped and cut bytes anywhere never make a session of somebody else', async () => {
  const noise = fc.array(
    fc.record({
      at: fc.nat(diallerBytes),
      bit: fc.nat(7),
      kind: fc.constantFrom('flip', 'double', 'drop', 'cut'),
    }),
    { minLength: 1, maxLength: 3 },
  );
  const tap = (changes: readonly { readonly at: number; readonly bit: number; readonly kind: string }[]): Tap => {
    let seen = 0;
    return (chunk) => {
      let parts: readonly Uint8Array[] = [chunk];
      for (const { at, bit, kind } of changes) {
        const index = at - seen;
        if (index < 0 || index >= chunk.length) continue;
        const [front, back] = [chunk.subarray(0, index), chunk.subarray(index)];
        if (kind === 'flip') parts = flip(index, bit)(chunk, 0);
        else if (kind === 'double') parts = [front, back.subarray(0, bit), back];
        else if (kind === 'drop') parts = [front, back.subarray(bit)];
        else parts = [front, back];
      }
      seen += chunk.length;
      return parts;
    };
  };
  await fc.assert(
    fc.asyncProperty(noise, noise, async (forth, back) => {
      const { dialler, listener } = await outcome(tap(forth), tap(back));
      const allowed = ['worker-7', 'denied', 'protocol', 'timeout', 'peer-gone'];
      expect(allowed).toContain(dialler);
      expect(allowed).toContain(listener);
    }),
    { numRuns: 150 },
  );
});

test('read byte by byte, and cut at any byte, it is the same handshake', async () => {
  const single: Tap = (chunk) => [...chunk].map((byte) => Uint8Array.of(byte));
  expect(await outcome(single, single, false)).toStrictEqual(right);
  const cut =
    (at: number): Tap =>
    (chunk) => [chunk.subarray(0, at), chunk.subarray(at)];
  for (let at = 1; at < 80; at += 3) expect(await outcome(cut(at), cut(at), false)).toStrictEqual(right);
});

test('what a dialler said is of no use to who says it again', async () => {
  const said: Uint8Array[] = [];
  const record: Tap = (chunk) => {
    said.push(chunk.slice());
    return [chunk];
  };
  expect(await outcome(record, undefined, false)).toStrictEqual(right);
  const peer = new RawPeer('listener', { auth: keyAuth({ ...listenAuth, allowPlaintext: true }) });
  await peer.feed(concat(said));
  expect(await peer.session.closed).toMatchObject({ code: 'denied' });
  expect(peer.carrier.written.some((piece) => piece[0] === 0x11)).toBe(false);
});

test('a side that hears itself refuses', async () => {
  for (const role of ['dialler', 'listener'] as const) {
    const auth = role === 'dialler' ? dialAuth : listenAuth;
    const peer = new RawPeer(role, { auth: keyAuth({ ...auth, allowPlaintext: true }) });
    await until('its HELLO', () => peer.carrier.written.length > 0);
    peer.carrier.events?.data(concat(peer.carrier.written));
    expect(await peer.session.closed).toMatchObject({
      code: 'denied',
      message: expect.stringContaining('HELLO is not that of a') as string,
    });
  }
});

test('nothing else is taken before the proof, and neither AUTH nor PROOF behind it', async () => {
  const others = [0x02, 0x03, 0x04, 0x0c, 0x11, 0x13, 0x80];
  for (const type of others) {
    const inject: Tap = (chunk, count) => (count === 0 ? [chunk, frame(type, 0, [1])] : [chunk]);
    const { dialler, listener } = await outcome(inject);
    expect(listener).toBe('protocol');
    expect(dialler).not.toBe('worker-7');
  }
  const flood: Tap = (chunk, count) => (count === 0 ? [chunk, frame(0x10, 0, new Uint8Array(9000))] : [chunk]);
  expect((await outcome(flood)).listener).toBe('protocol');
  const slowFlood: Tap = (chunk, count) =>
    count === 0 ? [chunk, ...Array.from({ length: 3 }, () => frame(0x10, 0, new Uint8Array(4000)))] : [chunk];
  expect((await outcome(slowFlood)).listener).toBe('protocol');

  const pair = authPair({ dialTap: (chunk, count) => (count === 1 ? [chunk, chunk] : [chunk]) });
  await pair.listener.ready;
  expect(await pair.listener.closed).toMatchObject({ code: 'protocol' });
  expect(await pair.dialler.closed).toMatchObject({ code: 'protocol' });
});
