import { readFileSync } from 'node:fs';
import { ChannelSession, type Role } from '@circuit/channel';
import { keyAuth } from '@circuit/channel/auth';
import { until } from '@circuit/testkit';
import { afterEach, expect, test, vi } from 'vitest';
import { dialAuth, dressed, listenAuth } from '../support/auth-pair.js';
import { hex, RawPeer, unhex } from '../support/raw-peer.js';

interface Golden {
  readonly identity: string;
  readonly diallerNonce: string;
  readonly listenerNonce: string;
  readonly exporter: string;
  readonly cases: Readonly<
    Record<string, Readonly<Record<'diallerHello' | 'listenerHello' | 'auth' | 'proof', string>>>
  >;
}

const golden = JSON.parse(readFileSync(new URL('../golden/auth.json', import.meta.url), 'utf8')) as Golden;

afterEach(() => void vi.restoreAllMocks());

/** A session whose nonce is the golden one, whose peer is the test. */
function scripted(role: Role, exporter: boolean): { readonly session: ChannelSession; readonly peer: RawPeer } {
  const nonce = unhex(role === 'dialler' ? golden.diallerNonce : golden.listenerNonce);
  vi.spyOn(crypto, 'getRandomValues').mockImplementationOnce((target) => {
    (target as unknown as Uint8Array).set(nonce);
    return target;
  });
  const peer = new RawPeer('listener');
  const facts = { local: true, ...(exporter ? { exportKey: () => unhex(golden.exporter) } : {}) };
  peer.carrier.written.length = 0;
  const auth = keyAuth(role === 'dialler' ? dialAuth : listenAuth);
  return {
    session: new ChannelSession(dressed(peer.carrier, facts), role, { keepAliveMs: 0, home: false, auth }),
    peer,
  };
}

function written({ carrier }: RawPeer): string {
  return carrier.written.map(hex).join('');
}

for (const [name, vectors] of Object.entries(golden.cases)) {
  test(`${name}: a dialler says exactly the golden frames and takes the golden PROOF`, async () => {
    const { session, peer } = scripted('dialler', name !== 'without exporter');
    await until('HELLO', () => written(peer).endsWith(vectors.diallerHello));
    peer.carrier.events?.data(unhex(vectors.listenerHello));
    await until('AUTH', () => written(peer).endsWith(vectors.diallerHello + vectors.auth));
    peer.carrier.events?.data(unhex(vectors.proof));
    await session.ready;
    expect(session.peer.identity).toBe(golden.identity);
    session.abort();
  });

  test(`${name}: a listener takes the golden AUTH and says exactly the golden frames`, async () => {
    const { session, peer } = scripted('listener', name === 'exporter at both ends');
    await until('HELLO', () => written(peer).endsWith(vectors.listenerHello));
    // In one read, as a peer would send them that knew the nonce before.
    peer.carrier.events?.data(unhex(vectors.diallerHello + vectors.auth));
    await session.ready;
    await until('PROOF', () => written(peer).endsWith(vectors.listenerHello + vectors.proof));
    expect(session.peer.identity).toBe(golden.identity);
    session.abort();
  });
}
