import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ChannelSession, memoryPair, type Session, type SessionOptions } from '@circuit/channel';
import { keyAuth } from '@circuit/channel/auth';
import type { Connect, Pair, PairOptions } from '@circuit/channel/conformance';
import { dialTcp, type Listener, listenTcp, type OnSession } from '@circuit/channel/tcp';
import { dialTls, listenTls } from '@circuit/channel/tls';
import { dialUnix, listenUnix } from '@circuit/channel/unix';
import { dialAuth, listenAuth } from './auth-pair.js';
import { certificates } from './certificates.js';
import { closingPair } from './closing-pair.js';

/** A listener and a way to dial it. */
interface Road {
  readonly listener: Listener;
  dial(session: SessionOptions): Promise<Session>;
  release?(): Promise<void>;
}

type Build = (session: SessionOptions, onSession: OnSession) => Promise<Road>;

/** The options that keep a session's ping out of the counts of a test. */
const quiet: SessionOptions = { keepAliveMs: 0 };

/** A pair by a listener and a dial, both made for the test. */
export async function over(build: Build, { a, b }: PairOptions = {}): Promise<Pair> {
  let arrived: (session: Session) => void = () => undefined;
  const accepted = new Promise<Session>((resolve) => {
    arrived = resolve;
  });
  const road = await build({ ...quiet, ...b }, (session) => arrived(session));
  const dialled = await road.dial({ ...quiet, ...a });
  const taken = await accepted;
  return {
    a: dialled,
    b: taken,
    async close() {
      await Promise.all([dialled.close(), taken.close()]);
      await road.listener.close();
      await road.release?.();
    },
  };
}

export const connectMemory: Connect = ({ a, b } = {}) => {
  const [left, right] = memoryPair();
  return Promise.resolve(
    closingPair(
      new ChannelSession(left, 'dialler', { ...quiet, ...a }),
      new ChannelSession(right, 'listener', { ...quiet, ...b }),
    ),
  );
};

export const connectTcp: Connect = (options) =>
  over(async (session, onSession) => {
    const listener = await listenTcp({ host: '127.0.0.1', port: 0, session }, onSession);
    return { listener, dial: (own) => dialTcp({ host: '127.0.0.1', port: portOf(listener), session: own }) };
  }, options);

export const connectUnix: Connect = (options) =>
  over(async (session, onSession) => {
    const folder = await mkdtemp(join(tmpdir(), 'channel-'));
    const path = join(folder, 's');
    const listener = await listenUnix({ path, session }, onSession);
    return {
      listener,
      dial: (own) => dialUnix({ path, session: own }),
      release: () => rm(folder, { recursive: true }),
    };
  }, options);

export const connectTls: Connect = (options) =>
  over(async (session, onSession) => {
    const key = new Uint8Array(randomBytes(32));
    const listener = await listenTls({ host: '127.0.0.1', port: 0, pskFor: () => key, session }, onSession);
    const psk = { identity: 'test', key };
    return { listener, dial: (own) => dialTls({ host: '127.0.0.1', port: portOf(listener), psk, session: own }) };
  }, options);

/** TLS with certificates on both sides. */
export const connectCertificates: Connect = (options) =>
  over(async (session, onSession) => {
    const { authority, server, worker } = await certificates();
    const ask = { ...server, ca: authority.cert, requestCert: true };
    const listener = await listenTls({ host: '127.0.0.1', port: 0, certificates: ask, session }, onSession);
    const port = portOf(listener);
    const own = { ...worker, ca: authority.cert };
    return { listener, dial: (mine) => dialTls({ host: '127.0.0.1', port, certificates: own, session: mine }) };
  }, options);

/** TCP with a key that is proved inside the session. */
export const connectAuthenticated: Connect = ({ a, b } = {}) =>
  connectTcp({ a: { ...a, auth: keyAuth(dialAuth) }, b: { ...b, auth: keyAuth(listenAuth) } });

export function portOf(listener: Listener): number {
  if ('port' in listener.address) return listener.address.port;
  throw new Error('not a port');
}
