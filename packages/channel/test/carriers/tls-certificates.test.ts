import { X509Certificate } from 'node:crypto';
import { createServer } from 'node:net';
import { connect, createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { isCircuitError } from '@circuit/base';
import type { Session } from '@circuit/channel';
import { keyAuth } from '@circuit/channel/auth';
import { listen as listenAt } from '@circuit/channel/dial';
import { collect, openChannel, take } from '@circuit/channel/conformance';
import {
  type DialCertificates,
  dialTls,
  type ListenCertificates,
  type Listener,
  listenTls,
} from '@circuit/channel/tls';
import { listenHttp2 } from '@circuit/channel/http2';
import { listenWebSocket } from '@circuit/channel/websocket-listener';
import { ManualClock, until } from '@circuit/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { arrivalsPerTest } from '../support/arrivals.js';
import { dialAuth, listenAuth } from '../support/auth-pair.js';
import { type CertificateAuthority, type Issued, makeAuthority } from '../support/certificates.js';
import { scopePerTest } from '../support/scope-per-test.js';
import { portOf } from '../support/transports.js';

const host = '127.0.0.1';
let authority: CertificateAuthority;
let stranger: CertificateAuthority;
let server: Issued;
let worker: Issued;
let expired: Issued;
let foreign: Issued;
const scope = scopePerTest();
const arrivals = arrivalsPerTest(scope);
const { sessions, refused, onRefused } = arrivals;

beforeAll(async () => {
  [authority, stranger] = await Promise.all([makeAuthority(), makeAuthority('stranger')]);
  server = await authority.issue('server');
  worker = await authority.issue('worker-7');
  expired = await authority.issue('old', -1);
  foreign = await stranger.issue('foreign');
});

afterAll(() => Promise.all([authority.remove(), stranger.remove()]));

async function listen(certificates: ListenCertificates, session = {}, more = {}): Promise<Listener> {
  const listener = await listenTls(
    {
      host,
      port: 0,
      certificates,
      onRefused,
      session: { keepAliveMs: 0, ...session },
      ...more,
    },
    arrivals.take,
  );
  return scope.use(listener);
}

function dial(listener: Listener, certificates: DialCertificates, more = {}): Promise<Session> {
  return dialTls({ host, port: portOf(listener), certificates, session: { keepAliveMs: 0 }, ...more });
}

async function works(session: Session): Promise<void> {
  await until('the session to be accepted', () => sessions.length === 1);
  const { sender, receiver } = await openChannel(session, sessions[0] as Session);
  await sender.send('hello');
  expect((await take(receiver)).value).toBe('hello');
  sender.close();
  expect(await collect(receiver)).toStrictEqual([]);
  await session.close();
}

test('the listener is known by its certificate, by address and by name', async () => {
  const listener = await listen(server);
  for (const servername of [undefined, 'localhost', '127.0.0.1']) {
    const session = await dial(listener, { ca: authority.cert, ...(servername === undefined ? {} : { servername }) });
    const { fingerprint256 } = new X509Certificate(server.cert);
    expect(session.peer).toMatchObject({
      carrier: 'tls',
      identity: 'O=acme, CN=server',
      encrypted: true,
      certificate: { subject: 'O=acme, CN=server', fingerprint: fingerprint256.replaceAll(':', '').toLowerCase() },
    });
    await works(session);
    expect(sessions.pop()?.peer.certificate).toBe(undefined);
  }
});

test('a dialler that is asked for its certificate is known by it', async () => {
  const listener = await listen({ ...server, ca: [stranger.cert, authority.cert], requestCert: true });
  const session = await dial(listener, { ca: Buffer.from(authority.cert), ...worker });
  await until('the session to be accepted', () => sessions.length === 1);
  expect(sessions[0]?.peer).toMatchObject({
    identity: 'O=acme, CN=worker-7',
    certificate: { subject: 'O=acme, CN=worker-7' },
  });
  const exported = session.peer.exportKey?.('EXPORTER-test', 32);
  expect(sessions[0]?.peer.exportKey?.('EXPORTER-test', 32)).toStrictEqual(exported);
  await works(session);
});

test('a listener with a wrong authority, another name or an expired certificate is denied by name', async () => {
  // A dialler that believes no certificate hangs up without a word of TLS, and the listener does not wait for the rest.
  const good = await listen(server, {}, { handshakeMs: Infinity });
  const old = await listen(expired, {}, { handshakeMs: Infinity });
  const cases: [Listener, DialCertificates, RegExp][] = [
    [good, {}, /authority that this side does not trust/],
    [good, { ca: stranger.cert }, /authority that this side does not trust/],
    [good, { ca: authority.cert, servername: 'example.org' }, /for another name/],
    [old, { ca: authority.cert }, /the listener's certificate has expired/],
  ];
  for (const [listener, certificates, message] of cases) {
    await expect(dial(listener, certificates)).rejects.toMatchObject({
      code: 'denied',
      message: expect.stringMatching(message) as string,
    });
  }
  await until('the listener to have heard of all', () => refused.length === cases.length);
  expect(sessions).toStrictEqual([]);
});

test('NODE_TLS_REJECT_UNAUTHORIZED does not make a dialler believe anybody', async () => {
  const listener = await listen(foreign);
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
  try {
    await expect(dial(listener, { ca: authority.cert })).rejects.toMatchObject({ code: 'denied' });
  } finally {
    delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
  }
});

test('a dialler without a certificate, with one of another authority and with an expired one hears why it is denied', async () => {
  // On a busy machine the dialler may read what is said to it long after the listener has hung up.
  const listener = await listen({ ...server, ca: authority.cert, requestCert: true }, { graceMs: 60_000 });
  const cases: [Partial<Issued>, RegExp][] = [
    [{}, /asks for a certificate, none was shown/],
    [foreign, /the dialler's certificate is signed by an authority that this side does not trust/],
    [expired, /the dialler's certificate has expired/],
  ];
  for (const [own, message] of cases) {
    const error: unknown = await dial(listener, { ca: authority.cert, ...own }).catch((thrown: unknown) => thrown);
    expect(isCircuitError(error) && error.code).toBe('denied');
    expect((error as Error).message).toMatch(message);
    expect((error as Error).message).toMatch(/^dial tls 127\.0\.0\.1:\d+: /);
    expect(refused.at(-1)).toMatch(message);
  }
  expect(refused.length).toBe(3);
  expect(sessions).toStrictEqual([]);
});

test('a session that was kept does not let a dialler in without its certificate', async () => {
  const listener = await listen({ ...server, ca: authority.cert, requestCert: true });
  const tickets: Buffer[] = [];
  const first = connect({ host, port: portOf(listener), ca: authority.cert, ...worker });
  first.on('session', (ticket) => void tickets.push(ticket));
  await new Promise((resolve) => first.once('data', resolve));
  const held = tickets[0] ?? first.getSession();
  first.destroy();
  const again = connect({
    ...{ host, port: portOf(listener), ca: authority.cert },
    ...(held === undefined ? {} : { session: held }),
  });
  again.on('error', () => undefined);
  again.resume();
  await until('the refusal', () => refused.length === 1);
  again.destroy();
  expect(refused[0]).toMatch(/none was shown/);
  expect(sessions.length).toBe(1);
});

test('older TLS is not spoken by either side', async () => {
  const listener = await listen(server);
  const socket = connect({ host, port: portOf(listener), ca: authority.cert, maxVersion: 'TLSv1.2' });
  const code = await new Promise((resolve) =>
    socket.on('error', (error) => resolve((error as { code?: string }).code)),
  );
  expect(code).toMatch(/PROTOCOL_VERSION/);
  const old = createTlsServer({ ...server, maxVersion: 'TLSv1.2' }, (one) => one.destroy());
  await new Promise<void>((resolve) => void old.listen(0, host, resolve));
  scope.defer(() => new Promise<void>((resolve) => void old.close(() => resolve())));
  const port = (old.address() as { port: number }).port;
  await expect(dialTls({ host, port, certificates: { ca: authority.cert } })).rejects.toMatchObject({ code: 'denied' });
});

test('a listener that is silent, and one that is no session, are given up at the deadline', async () => {
  const clock = new ManualClock();
  const open = new Set<{ destroy(): void }>();
  const silent = createServer((socket) => void open.add(socket));
  const mute = createTlsServer(server, (socket) => void open.add(socket));
  for (const one of [silent, mute]) {
    await new Promise<void>((resolve) => void one.listen(0, host, resolve));
    const port = (one.address() as { port: number }).port;
    const session = { keepAliveMs: 0, clock };
    const dialling = dialTls({ host, port, certificates: { ca: authority.cert }, deadlineMs: 200, session });
    const outcome = expect(dialling).rejects.toMatchObject({ code: 'timeout' });
    await until('the connection to be there', () => open.size === 1);
    await clock.advance(200);
    await outcome;
    expect(clock.pending).toBe(0);
    for (const socket of open) socket.destroy();
    open.clear();
    await new Promise<void>((resolve) => void one.close(() => resolve()));
  }
});

test('options that cannot work are refused before anything is sent', async () => {
  const psk = { identity: 'me', key: new Uint8Array(32) };
  const bad = [
    dialTls({ host, port: 1, certificates: { cert: worker.cert } }),
    dialTls({ host, port: 1, certificates: {}, psk } as unknown as Parameters<typeof dialTls>[0]),
    dialTls({ host, port: 1 } as unknown as Parameters<typeof dialTls>[0]),
    listenTls({ host, port: 0, certificates: { ...server, requestCert: true } }, () => undefined),
    listenTls({ host, port: 0, certificates: { cert: 'no pem', key: 'no pem' } }, () => undefined),
    listenTls({ host, port: 0, certificates: { ...server, key: worker.key } }, () => undefined),
    listenTls({ host, port: 0, certificates: { ...server, cert: 5 as unknown as string } }, () => undefined),
    listenTls({ host, port: 0, certificates: {} as typeof server }, () => undefined),
    dialTls({ host, port: 1, certificates: { cert: 'no pem', key: 'no pem' } }),
    listenWebSocket({ host, port: 0, tls: { cert: 'no pem', key: 'no pem' } }, () => undefined),
    listenHttp2({ host, port: 0, tls: { ...server, key: worker.key } }, () => undefined),
    listenAt('wss://127.0.0.1:0', { http: { tls: { cert: 'no pem', key: 'no pem' } } }, () => undefined),
    listenAt('https://127.0.0.1:0', { http: { tls: { ...server, key: worker.key } } }, () => undefined),
    listenTls({ host, port: 0 } as unknown as Parameters<typeof listenTls>[0], () => undefined),
  ];
  for (const one of bad) await expect(one).rejects.toMatchObject({ code: 'invalid' });
});

test('a key is proved inside TLS and bound to it: who sits between two connections is denied on both', async () => {
  const listener = await listen(server, { auth: keyAuth(listenAuth) });
  const auth = { session: { keepAliveMs: 0, auth: keyAuth(dialAuth) } };
  const direct = await dial(listener, { ca: authority.cert }, auth);
  await until('the session to be accepted', () => sessions.length === 1);
  expect(sessions[0]?.peer.identity).toBe('worker-7');
  await direct.close();

  // The man in the middle has a certificate that the dialler trusts by mistake, and passes all bytes on.
  const pairs: TLSSocket[] = [];
  const middle = createTlsServer({ ...foreign, minVersion: 'TLSv1.3' }, (near) => {
    const far = connect({ host, port: portOf(listener), ca: authority.cert });
    pairs.push(near, far);
    for (const socket of [near, far]) socket.on('error', () => undefined);
    near.pipe(far).pipe(near);
  });
  await new Promise<void>((resolve) => void middle.listen(0, host, resolve));
  const { port } = middle.address() as { port: number };
  const through = { host, port, certificates: { ca: [authority.cert, stranger.cert] } };
  await expect(dialTls({ ...through, ...auth })).rejects.toMatchObject({
    code: 'denied',
    message: expect.stringContaining('authentication failed') as string,
  });
  expect(sessions.length).toBe(1);
  await listener.close();
  for (const socket of pairs) socket.destroy();
  await new Promise<void>((resolve) => void middle.close(() => resolve()));
});
