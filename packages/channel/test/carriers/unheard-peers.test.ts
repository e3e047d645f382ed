import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import type { Session } from '@circuit/channel';
import { keyAuth } from '@circuit/channel/auth';
import { ask, serve } from '@circuit/channel/conformance';
import { type DialOptions, dial, type ListenOptions, listen } from '@circuit/channel/dial';
import { ManualClock, requiresOpenFiles, until } from '@circuit/testkit';
import { expect, test } from 'vitest';
import { maxWaitingConnections } from '../../src/carriers/socket/waiting-connections.js';
import { arrivalsPerTest } from '../support/arrivals.js';
import { dialAuth, listenAuth, secret } from '../support/auth-pair.js';
import { hello } from '../support/raw-peer.js';
import { Site } from '../support/resume-site.js';
import { scopePerTest } from '../support/scope-per-test.js';

const scope = scopePerTest();
const arrivals = arrivalsPerTest(scope);
const psk = { identity: 'me', key: secret };
const tls = { dial: { tls: { psk } }, listen: { tls: { pskFor: () => secret } } };
const authenticated = {
  dial: { session: { auth: keyAuth(dialAuth) } },
  listen: { session: { auth: keyAuth(listenAuth) } },
};
const garbage = Uint8Array.of(0x99, 0, 0, 1, 0);
const suites = 'TLS_AES_128_GCM_SHA256';

interface Peers {
  readonly options?: { readonly dial?: DialOptions; readonly listen?: ListenOptions };
  /** What each says: nothing, bytes, or what a real dialler says first. */
  readonly says?: Uint8Array | typeof aDialler;
  /** Over TLS: the key is proved before. */
  readonly proved?: boolean;
}

const resuming = { dial: { resume: true }, listen: { resume: true } };
const aDialler = 'what a dialler says';

// Both sides of each connection are in this process.
test.skipIf(!requiresOpenFiles(2 * maxWaitingConnections + 1000)).each<[string, string, Peers]>([
  ['tcp', 'say nothing', {}],
  ['tcp', 'break the protocol and stay', { says: garbage }],
  ['tcp', 'stop in their HELLO', { says: hello().subarray(0, 9) }],
  ['tcp', 'prove no key', { options: authenticated, says: aDialler }],
  ['tcp', 'say no HELLO in a session that would resume', { options: resuming, says: aDialler }],
  ['tls', 'say nothing', { options: tls }],
  ['tls', 'stop in their handshake', { options: tls, says: aDialler }],
  ['tls', 'say nothing after their handshake', { options: tls, proved: true }],
  ['unix', 'stop in their HELLO', { says: hello().subarray(0, 9) }],
  ['unix', 'say no HELLO in a session that would resume', { options: resuming, says: aDialler }],
  ['ws', 'say nothing', {}],
  ['ws', 'say no HELLO', { says: aDialler }],
  ['http', 'say nothing', {}],
  ['http', 'say no HELLO', { says: aDialler }],
])(
  'over %s a listener keeps 4,096 connections of peers that %s, and sessions come in and go on',
  { timeout: 300_000 },
  async (scheme, _what, { options = {}, says, proved = false }) => {
    const session = { keepAliveMs: 0, clock: new ManualClock() };
    const url = scheme === 'unix' ? `unix:${await socketPath()}` : `${scheme}://127.0.0.1:0`;
    // Node counts the time of a TLS handshake itself, by a clock that goes on.
    const listening = { handshakeMs: Infinity, ...options.listen, session: { ...session, ...options.listen?.session } };
    const listener = scope.use(await listen(url, listening, answer));
    const dialling = { ...options.dial, session: { ...session, ...options.dial?.session } };
    const bytes = says === aDialler ? await firstBytes(scheme, dialling) : says;
    const first = scope.use(await dial(listener.url, dialling));
    const asking = first.open<number>();
    expect(await ask(asking, 1)).toBe(2);
    const before = openSockets();
    const raws: Socket[] = [];
    scope.defer(() => {
      for (const socket of raws) socket.destroy();
    });
    while (raws.length < maxWaitingConnections + 200) {
      raws.push(...(await Promise.all(Array.from({ length: 100 }, () => rawPeer(listener.url, bytes, proved)))));
      // More than its queue holds the system would not let wait.
      const kept = Math.min(raws.length, maxWaitingConnections);
      await until('them to be accepted', () => openSockets() >= before + raws.length + kept);
    }
    // Whoever dialled before has been accepted by now.
    const late = scope.use(await dial(listener.url, dialling));
    expect(await ask(late.open<number>(), 5)).toBe(6);
    // The late one took the place of one more until it was heard.
    await until('the others to be dropped', () => openSockets() <= before + raws.length + maxWaitingConnections + 1);
    expect(openSockets()).toBe(before + raws.length + maxWaitingConnections + 1);
    expect(await ask(asking, 3)).toBe(4);
  },
);

test('a connection is heard when its session is, and the next one when it has proved that the session is its own', async () => {
  const site = new Site();
  const heard: number[] = [];
  const { door } = site;
  const accept = door.accept.bind(door);
  door.accept = (carrier) => {
    const count = site.pairs.length;
    accept(carrier, () => heard.push(count));
  };
  const dialled = await site.dial();
  await until('it to be heard', () => heard.length === 1);
  site.latest.break();
  // It proves nothing, and is not heard.
  await site.raw();
  await site.clock.advance(50);
  await until('the next to be heard', () => heard.length === 2);
  const plain = await site.dial(false);
  await until('one that does not resume to be heard', () => heard.length === 3);
  expect(heard).toStrictEqual([1, 3, 4]);
  dialled.abort();
  plain.abort();
  door.close();
});

function answer(session: Session): void {
  arrivals.take(session);
  const serving = session.accept().then(({ receiver }) => serve(receiver, (value) => Number(value) + 1));
  serving.catch(() => undefined);
}

function openSockets(): number {
  return process.getActiveResourcesInfo().filter((name) => /^(TCPSocket|Pipe)/.test(name)).length;
}

async function socketPath(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'channel-'));
  scope.defer(() => rm(folder, { recursive: true }));
  return join(folder, 's');
}

/** A connection that reads nothing, so that it does not hear that it was ended and stays. */
async function rawPeer(url: string, bytes: Uint8Array | undefined, proved: boolean): Promise<Socket> {
  const { protocol, hostname, port, pathname } = new URL(url);
  const socket = protocol === 'unix:' ? connect(pathname) : connect(Number(port), hostname);
  socket.on('error', () => undefined);
  if (!proved) socket.pause();
  await once(socket, 'connect');
  if (bytes !== undefined) socket.write(bytes);
  if (!proved) return socket;
  const secure = connectTls({
    socket,
    minVersion: 'TLSv1.3',
    ciphers: suites,
    pskCallback: () => ({ identity: psk.identity, psk: secret }),
    checkServerIdentity: () => undefined,
  });
  secure.on('error', () => undefined);
  await once(secure, 'secureConnect');
  return socket;
}

/** What a dialler says before it has heard anything. */
async function firstBytes(scheme: string, options: DialOptions): Promise<Uint8Array> {
  const heard: Buffer[] = [];
  const server = createServer((socket) => socket.on('data', (chunk) => heard.push(chunk)).on('error', () => undefined));
  const path = scheme === 'unix' ? await socketPath() : undefined;
  server.listen(path === undefined ? { host: '127.0.0.1', port: 0 } : { path });
  await once(server, 'listening');
  const stop = new AbortController();
  const url = path === undefined ? `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}` : `unix:${path}`;
  const dialling = dial(url, { ...options, signal: stop.signal }).catch(() => undefined);
  await until('it to speak', () => heard.length > 0);
  stop.abort();
  await dialling;
  server.close();
  return heard[0] as Buffer;
}
