import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect as connectPlain, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, createServer } from 'node:tls';
import { promisify } from 'node:util';
import { deferred } from '@circuit/base';
import type { Session } from '@circuit/channel';
import { collect, openChannel, take } from '@circuit/channel/conformance';
import { dialTls, type Listener, listenTls, type PskFor } from '@circuit/channel/tls';
import { until } from '@circuit/testkit';
import { expect, test } from 'vitest';
import { arrivalsPerTest } from '../support/arrivals.js';
import { scopePerTest } from '../support/scope-per-test.js';
import { portOf } from '../support/transports.js';

const host = '127.0.0.1';
const key = (): Uint8Array => new Uint8Array(randomBytes(32));
const suites = 'TLS_AES_128_GCM_SHA256';
const scope = scopePerTest();
const arrivals = arrivalsPerTest(scope);
const { sessions, refused, onRefused } = arrivals;

async function listen(pskFor: PskFor, more: { readonly handshakeMs?: number } = {}): Promise<Listener> {
  const listener = await listenTls(
    {
      host,
      port: 0,
      pskFor,
      onRefused,
      session: { keepAliveMs: 0 },
      ...more,
    },
    arrivals.take,
  );
  return scope.use(listener);
}

function dial(listener: Listener, secret: Uint8Array, identity = 'me', signal?: AbortSignal): Promise<Session> {
  return dialTls({ host, port: portOf(listener), psk: { identity, key: secret }, session: { keepAliveMs: 0 }, signal });
}

async function works(session: Session, count: number): Promise<void> {
  await until('the session to be accepted', () => sessions.length >= count);
  const { sender, receiver } = await openChannel(session, sessions.at(-1) as Session);
  await sender.send('hello');
  expect((await take(receiver)).value).toBe('hello');
  sender.close();
  expect(await collect(receiver)).toStrictEqual([]);
}

test('the right key connects; both sides know the identity and export the same keying material', async () => {
  const secret = key();
  const listener = await listen((identity) => (identity === 'me' ? secret : undefined));
  const session = await dial(listener, secret);
  await works(session, 1);
  const other = sessions[0] as Session;
  expect([session.peer.identity, other.peer.identity]).toStrictEqual(['me', 'me']);
  const exported = session.peer.exportKey?.('EXPORTER-test', 32);
  expect(exported?.length).toBe(32);
  expect(other.peer.exportKey?.('EXPORTER-test', 32)).toStrictEqual(exported);
  expect(other.peer.exportKey?.('EXPORTER-other', 32)).not.toStrictEqual(exported);
  await session.close();
});

test('a wrong key and an unknown identity are denied, and the listener hears of it', async () => {
  const secret = key();
  const listener = await listen((identity) => (identity === 'me' ? secret : undefined));
  await expect(dial(listener, key())).rejects.toMatchObject({
    code: 'denied',
    message: expect.stringContaining('dial tls 127.0.0.1:') as string,
  });
  await expect(dial(listener, secret, 'stranger')).rejects.toMatchObject({ code: 'denied' });
  await until('both refusals', () => refused.length === 2);
  expect(refused[0]).toBe('ERR_SSL_BINDER_DOES_NOT_VERIFY');
  expect(sessions).toStrictEqual([]);
});

test('keys of the wrong length and long identities are refused before anything is sent', async () => {
  await expect(dialTls({ host, port: 1, psk: { identity: 'me', key: new Uint8Array(31) } })).rejects.toMatchObject({
    code: 'invalid',
    message: expect.stringContaining('31 bytes, want exactly 32') as string,
  });
  await expect(dialTls({ host, port: 1, psk: { identity: 'x'.repeat(129), key: key() } })).rejects.toMatchObject({
    code: 'invalid',
  });
});

test('a listener whose own keys are unfit refuses the connection and lives on', async () => {
  const secret = key();
  const listener = await listen((identity) => {
    if (identity === 'short') return new Uint8Array(5);
    if (identity === 'broken') throw new Error('the key file is gone');
    return secret;
  });
  await expect(dial(listener, secret, 'short')).rejects.toMatchObject({ code: 'denied' });
  await expect(dial(listener, secret, 'broken')).rejects.toMatchObject({ code: 'denied' });
  const session = await dial(listener, secret);
  await works(session, 1);
  await session.close();
});

test('an onRefused that throws keeps nobody out and ends nothing', async () => {
  const secret = key();
  let called = 0;
  const pskFor = (identity: string): Uint8Array => {
    if (identity === 'broken') throw new Error('the key file is gone');
    return secret;
  };
  const onRefused = (): never => {
    called++;
    throw new Error('the log is full');
  };
  const options = { host, port: 0, pskFor, onRefused };
  const listener = scope.use(await listenTls(options, (session) => void sessions.push(session)));
  await expect(dial(listener, secret, 'broken')).rejects.toMatchObject({ code: 'denied' });
  await expect(dial(listener, key())).rejects.toMatchObject({ code: 'denied' });
  await until('three calls: for the key that cannot be had, and for both connections', () => called === 3);
  const session = await dial(listener, secret);
  await works(session, 1);
  await session.close();
});

test('a server that shows a certificate instead of knowing the key is denied', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'channel-tls-'));
  scope.defer(() => rm(folder, { recursive: true }));
  const [keyFile, certFile] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  await promisify(execFile)('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
    ...['-subj', '/CN=localhost', '-keyout', keyFile, '-out', certFile],
  ]);
  const server = createServer({ key: await readFile(keyFile), cert: await readFile(certFile), minVersion: 'TLSv1.3' });
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  server.on('secureConnection', (socket) => socket.on('error', () => undefined));
  await new Promise<void>((resolve) => void server.listen(0, host, resolve));
  scope.defer(() => new Promise<void>((resolve) => void server.close(() => resolve())));
  const port = (server.address() as { port: number }).port;
  await expect(dialTls({ host, port, psk: { identity: 'me', key: key() } })).rejects.toMatchObject({ code: 'denied' });
});

test('clients without the key are refused: plain TLS, older TLS, TCP', async () => {
  const listener = await listen(() => key());
  const port = portOf(listener);
  for (const options of [
    { rejectUnauthorized: false },
    { rejectUnauthorized: false, minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' },
  ] as const) {
    const socket = connect({ host, port, ...options });
    const outcome = deferred<string>();
    socket.on('secureConnect', () => outcome.resolve('connected'));
    socket.on('error', () => outcome.resolve('refused'));
    socket.on('close', () => outcome.resolve('closed'));
    expect(await outcome.promise).not.toBe('connected');
    socket.destroy();
  }
  const plain = connectPlain({ host, port });
  plain.write('GET / HTTP/1.1\r\n\r\n');
  plain.resume();
  await new Promise((resolve) => plain.on('close', resolve).on('error', () => undefined));
  await until('three refusals', () => refused.length >= 3);
  expect(sessions).toStrictEqual([]);
});

test('a session that was kept does not get in again, with or without its key', async () => {
  const secret = key();
  const keys = new Map([['me', secret]]);
  const listener = await listen((identity) => keys.get(identity));
  const psk = {
    port: portOf(listener),
    host,
    ciphers: suites,
    minVersion: 'TLSv1.3',
    checkServerIdentity: () => undefined,
  } as const;
  const first = connect({ ...psk, pskCallback: () => ({ identity: 'me', psk: secret }) });
  const tickets: Buffer[] = [];
  first.on('session', (ticket) => void tickets.push(ticket));
  await new Promise((resolve) => first.on('secureConnect', resolve));
  await until('the listener to have it', () => sessions.length === 1);
  await new Promise((resolve) => first.once('data', resolve));
  const held = tickets[0] ?? first.getSession();
  first.destroy();
  for (const removed of [false, true]) {
    if (removed) keys.delete('me');
    const again = connect({ ...psk, ...(held === undefined ? {} : { session: held }), rejectUnauthorized: false });
    const outcome = deferred<string>();
    again.on('secureConnect', () => outcome.resolve('connected'));
    again.on('error', () => outcome.resolve('refused'));
    again.on('close', () => outcome.resolve('refused'));
    expect(await outcome.promise).toBe('refused');
    again.destroy();
  }
  await expect(dial(listener, secret)).rejects.toMatchObject({ code: 'denied' });
  expect(sessions.length).toBe(1);
});

test('silent and babbling connections are dropped in time while 50 others work', async () => {
  const secret = key();
  // Time is what is tested, and Node counts it: its limit for a handshake takes no clock.
  const listener = await listen(() => secret, { handshakeMs: 10_000 });
  const idle: Socket[] = [];
  const closed: Promise<unknown>[] = [];
  for (let i = 0; i < 20; i++) {
    const socket = connectPlain({ host, port: portOf(listener) });
    closed.push(new Promise((resolve) => socket.on('close', resolve).on('error', () => undefined)));
    socket.resume();
    if (i % 2 === 0) socket.write(randomBytes(100));
    idle.push(socket);
  }
  const dialled = await Promise.all(Array.from({ length: 50 }, () => dial(listener, secret)));
  await Promise.all(closed);
  expect(refused.length).toBe(20);
  // The side that dials is done first.
  await until('all sessions to be accepted', () => sessions.length === 50);
  for (const session of dialled) {
    const sender = session.open();
    await sender.send('still here');
    sender.close();
  }
  for (const session of sessions)
    expect(await collect((await session.accept()).receiver)).toStrictEqual(['still here']);
  await Promise.all(dialled.map((session) => session.close()));
});

test('a listener that closes drops who has not proved the key, and sessions go on', async () => {
  const secret = key();
  const listener = await listen(() => secret);
  const session = await dial(listener, secret);
  await until('the session to be accepted', () => sessions.length === 1);
  const idle = connectPlain({ host, port: portOf(listener) });
  await new Promise((resolve) => idle.on('connect', resolve));
  const gone = new Promise((resolve) => idle.on('close', resolve).on('error', () => undefined));
  idle.resume();
  await until(
    'the connection to be accepted',
    () => process.getActiveResourcesInfo().filter((name) => /TCPSocket/.test(name)).length >= 3,
  );
  await listener.close();
  await gone;
  await works(session, 1);
  await session.close();
});

test('a dial that is given up leaves nothing open', async () => {
  const listener = await listen(() => key());
  const stop = new AbortController();
  const dialling = dial(listener, key(), 'me', stop.signal);
  stop.abort();
  await expect(dialling).rejects.toMatchObject({ code: 'cancelled' });
  await expect(dial(listener, key(), 'me', stop.signal)).rejects.toMatchObject({ code: 'cancelled' });
});
