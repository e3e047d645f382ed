import type { CircuitError } from '@circuit/base';
import { ChannelSession, memoryPair, type SessionOptions } from '@circuit/channel';
import { type AuthOptions, keyAuth } from '@circuit/channel/auth';
import { collect, openChannel } from '@circuit/channel/conformance';
import { ManualClock, settle } from '@circuit/testkit';
import { expect, test } from 'vitest';
import { authPair, type AuthPair, dialAuth, dressed, listenAuth, secret } from '../support/auth-pair.js';

const otherKey = new Uint8Array(32).fill(9);

async function refusals({ dialler, listener }: AuthPair): Promise<(CircuitError | undefined)[]> {
  return Promise.all([dialler.closed, listener.closed]);
}

function end({ dialler, listener }: AuthPair): void {
  dialler.abort();
  listener.abort();
}

test('both sides prove the key, know the identity, and what was sent before arrives behind the proof', async () => {
  const pair = authPair();
  const sender = pair.dialler.open<string>();
  void sender.send('early').then(() => sender.close());
  const back = pair.listener.open<string>();
  void back.send('early, too').then(() => back.close());
  await Promise.all([pair.dialler.ready, pair.listener.ready]);
  expect([pair.dialler.peer.identity, pair.listener.peer.identity]).toStrictEqual(['worker-7', 'worker-7']);
  expect(await collect((await pair.listener.accept()).receiver)).toStrictEqual(['early']);
  expect(await collect((await pair.dialler.accept()).receiver)).toStrictEqual(['early, too']);
  await Promise.all([pair.dialler.close(), pair.listener.close()]);
  expect(await refusals(pair)).toStrictEqual([undefined, undefined]);
});

test('a key that is found later, an exporter on both sides, and one on one side are all right', async () => {
  const exportKey = (): Uint8Array => new Uint8Array(32).fill(5);
  const keyFor = async (identity: string): Promise<Uint8Array | undefined> => {
    await settle();
    return listenAuth.keyFor(identity);
  };
  for (const sides of [
    { listen: { auth: keyAuth({ keyFor }) } },
    { dialPeer: { exportKey }, listenPeer: { exportKey } },
    { dialPeer: { exportKey } },
    { listenPeer: { exportKey } },
  ]) {
    const pair = authPair(sides);
    await pair.dialler.ready;
    const { sender, receiver } = await openChannel(pair.dialler, pair.listener);
    sender.close();
    expect(await collect(receiver)).toStrictEqual([]);
    await Promise.all([pair.dialler.close(), pair.listener.close()]);
  }
});

test('a wrong key, an unknown identity and an unfit key are denied in the same words on the wire', async () => {
  const broken = (): never => {
    throw new Error('the key file is gone');
  };
  const cases: [SessionOptions, SessionOptions, string][] = [
    [{ auth: keyAuth({ identity: 'worker-7', key: otherKey }) }, {}, 'wrong key'],
    [{ auth: keyAuth({ identity: 'nobody', key: secret }) }, {}, 'unknown identity'],
    [{}, { auth: keyAuth({ keyFor: () => new Uint8Array(5) }) }, 'key of 5 bytes, want 32 to 1024'],
    [{}, { auth: keyAuth({ keyFor: broken }) }, 'the key file is gone'],
  ];
  const words = new Set<string>();
  for (const [dial, listen, doubt] of cases) {
    const pair = authPair({ dial, listen });
    const [there, here] = await refusals(pair);
    expect([there?.code, here?.code]).toStrictEqual(['denied', 'denied']);
    words.add(there?.message ?? '');
    expect(here?.message).toContain(doubt);
    await expect(pair.dialler.ready).rejects.toMatchObject({ code: 'denied' });
    await expect(pair.listener.ready).rejects.toMatchObject({ code: 'denied' });
    await expect(pair.listener.accept()).rejects.toMatchObject({ code: 'denied' });
  }
  expect([...words]).toStrictEqual(['memory pair: authentication failed']);
});

test('a listener that does not hold the key is denied by who dialled', async () => {
  // Such a listener takes any AUTH; it cannot make the PROOF.
  const pair = authPair({
    listenTap: (chunk) => [chunk.map((byte, i) => (chunk[0] === 0x11 && i === 20 ? byte ^ 1 : byte))],
  });
  const [there, here] = await refusals(pair);
  expect([there?.code, here?.code]).toStrictEqual(['denied', 'denied']);
});

test('one side that authenticates and one that does not: denied on both, by name', async () => {
  for (const side of ['dial', 'listen'] as const) {
    const [a, b] = memoryPair();
    const pair = {
      dialler: new ChannelSession(a, 'dialler', {
        keepAliveMs: 0,
        ...(side === 'dial' ? { auth: keyAuth(dialAuth) } : {}),
      }),
      listener: new ChannelSession(b, 'listener', {
        keepAliveMs: 0,
        ...(side === 'listen' ? { auth: keyAuth(listenAuth) } : {}),
      }),
    };
    const [there, here] = await refusals(pair);
    expect([there?.code, here?.code]).toStrictEqual(['denied', 'denied']);
    const messages = [there?.message, here?.message].sort();
    expect(messages.join()).toMatch(/this side asks for authentication, the other offers none|the other side asks/);
  }
});

test('a session without authentication says nothing of it', async () => {
  const writes: number[][] = [];
  const tap = (chunk: Uint8Array): readonly Uint8Array[] => {
    writes.push([...chunk]);
    return [chunk];
  };
  const [a, b] = memoryPair();
  const sessions = [
    new ChannelSession(dressed(a, {}, tap), 'dialler', { keepAliveMs: 0, home: false }),
    new ChannelSession(b, 'listener', { keepAliveMs: 0 }),
  ];
  await sessions[0]?.ready;
  expect(Buffer.from(writes[0] ?? []).toString('hex')).toBe(
    '010000210043524354018080088080800880801080804002076d73677061636b046a736f6e',
  );
  for (const session of sessions) session.abort();
});

test('on a carrier that is neither encrypted nor local it is refused, unless its owner says otherwise', async () => {
  const far = { local: false };
  let written = 0;
  const pair = authPair({ dialPeer: far, dialTap: (chunk) => (written++, [chunk]) });
  expect((await pair.dialler.closed)?.message).toContain('a carrier that is encrypted or stays on the machine');
  expect((await pair.dialler.closed)?.code).toBe('denied');
  expect(written).toBe(0);
  expect(await pair.listener.closed).toMatchObject({ code: 'peer-gone' });

  const onlyThere = authPair({ listenPeer: far });
  expect((await refusals(onlyThere)).map((error) => error?.code)).toStrictEqual(['denied', 'denied']);
  expect((await onlyThere.dialler.closed)?.message).toContain('a carrier that is encrypted');

  for (const allowPlaintext of [false, true]) {
    const peer = { local: false, encrypted: !allowPlaintext };
    const allowed = authPair({
      dialPeer: peer,
      listenPeer: peer,
      dial: { auth: keyAuth({ ...dialAuth, allowPlaintext }) },
      listen: { auth: keyAuth({ ...listenAuth, allowPlaintext }) },
    });
    await allowed.listener.ready;
    end(allowed);
  }
});

test('a peer that does not prove anything in time is given up, and so is a key that is never found', async () => {
  const clock = new ManualClock();
  const never = (): Promise<undefined> => new Promise(() => undefined);
  const pair = authPair({ listen: { clock, auth: keyAuth({ keyFor: never, handshakeMs: 3000 }) }, dial: { clock } });
  await settle();
  await clock.advance(2999);
  await settle();
  expect(pair.listener.refusal).toBe(undefined);
  await clock.advance(1);
  expect((await refusals(pair)).map((error) => error?.code)).toStrictEqual(['timeout', 'timeout']);

  const silent = memoryPair();
  const alone = new ChannelSession(silent[0], 'dialler', { clock, keepAliveMs: 0, auth: keyAuth(dialAuth) });
  await clock.advance(10_000);
  expect(await alone.closed).toMatchObject({ code: 'timeout', retryable: false });
});

test('a side that closes before it has proved its key has not said goodbye', async () => {
  const never = (): Promise<undefined> => new Promise(() => undefined);
  const pair = authPair({ listen: { auth: keyAuth({ keyFor: never }) } });
  await settle();
  await pair.listener.close();
  expect(await pair.dialler.closed).toMatchObject({ code: 'peer-gone' });
  expect(await pair.listener.closed).toBe(undefined);
});

test('options that cannot work are refused at once', () => {
  const cases: ['dialler' | 'listener', AuthOptions, RegExp][] = [
    ['dialler', { identity: 'x', key: new Uint8Array(31) }, /auth.key: 31 bytes, want 32 to 1024/],
    ['dialler', { identity: '', key: secret }, /auth.identity of 0 bytes, want 1 to 255/],
    ['dialler', { identity: 'é'.repeat(128), key: secret }, /256 bytes/],
    ['dialler', listenAuth, /a dialler wants \{identity, key\}/],
    ['listener', dialAuth, /a listener wants \{keyFor\}/],
    ['listener', { ...listenAuth, handshakeMs: 0 }, /auth.handshakeMs: 0/],
  ];
  for (const [role, auth, message] of cases) {
    const [carrier] = memoryPair();
    expect(() => new ChannelSession(carrier, role, { auth: keyAuth(auth) })).toThrow(message);
  }
});
