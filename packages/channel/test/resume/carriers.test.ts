import { mkdtemp, rm } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Session } from '@circuit/channel';
import { keyAuth } from '@circuit/channel/auth';
import { ask, openChannel, serve } from '@circuit/channel/conformance';
import type { Authenticate } from '@circuit/channel/http2';
import type { ResumeState } from '@circuit/channel/resume';
import { dialTcp, listenTcp } from '@circuit/channel/tcp';
import { dialTls, listenTls } from '@circuit/channel/tls';
import { dialUnix, listenUnix } from '@circuit/channel/unix';
import { until } from '@circuit/testkit';
import { expect, test } from 'vitest';
import { arrivalsPerTest } from '../support/arrivals.js';
import { certificates } from '../support/certificates.js';
import { CutProxy } from '../support/cut-proxy.js';
import { httpRoads } from '../support/http-roads.js';
import { scopePerTest } from '../support/scope-per-test.js';
import { portOf } from '../support/transports.js';

const host = '127.0.0.1';
const scope = scopePerTest();
const arrivals = arrivalsPerTest(scope);

/** A proxy in front of `target`, until the end of the test. */
async function proxied(target: number | string, front?: string): Promise<CutProxy> {
  return scope.use(await CutProxy.before(target, front));
}

/** A dialler's side of resume, which counts its connections. */
class Counted {
  connections = 0;
  readonly resume = { onState: (state: ResumeState) => void (this.connections += state === 'connected' ? 1 : 0) };
}

/** Requests in both directions go on while the connection is cut again and again. */
async function survive(a: Session, b: Session, proxy: CutProxy, counted: Counted): Promise<void> {
  const forth = await openChannel(a, b);
  const back = await openChannel(b, a);
  const serving = [serve(forth.receiver, (value) => value), serve(back.receiver, (value) => value)];
  for (let round = 1; round <= 5; round++) {
    const asked = Array.from({ length: 50 }, (_, i) => i);
    const answers = Promise.all(asked.flatMap((i) => [ask(forth.sender, i), ask(back.sender, i)]));
    proxy.cut();
    expect(await answers).toStrictEqual(asked.flatMap((i) => [i, i]));
    await until('the connection to be replaced', () => counted.connections >= round);
  }
  for (const { sender } of [forth, back]) sender.close();
  await Promise.all(serving);
  await Promise.all([forth.sender.closed, back.sender.closed]);
}

/** Both carriers over HTTP, in the clear and over TLS. */
const webRoads = httpRoads.flatMap(({ name, ...road }) => {
  const [scheme, secure] = name === 'http2' ? ['http', 'https'] : ['ws', 'wss'];
  return [
    { ...road, scheme, encrypted: false },
    { ...road, scheme: secure, encrypted: true },
  ];
});

test.each(webRoads)('$scheme: a session survives its connections, each of which is authenticated anew', async ({
  scheme,
  encrypted,
  dial,
  listen,
}) => {
  const { authority, server } = await certificates();
  const asked: string[] = [];
  const authenticate: Authenticate = ({ headers }) => {
    asked.push(String(headers.authorization));
    return { identity: { user: headers.authorization } };
  };
  const tls = encrypted ? server : undefined;
  const listener = scope.use(await listen({ host, port: 0, resume: true, authenticate, tls }, arrivals.take));
  const proxy = await proxied(portOf(listener));
  const counted = new Counted();
  const a = await dial({
    url: `${scheme}://${host}:${proxy.port}/`,
    tls: encrypted ? { ca: authority.cert } : undefined,
    headers: { authorization: 'me' },
    resume: counted.resume,
  });
  const b = await arrivals.get();
  await survive(a, b, proxy, counted);
  expect(asked.length).toBeGreaterThan(5);
  expect(new Set(asked)).toStrictEqual(new Set(['me']));
  expect(b.peer).toMatchObject({ identity: { user: 'me' }, encrypted });
  expect(arrivals.sessions.length).toBe(1);
  await a.close();
});

test('tls with certificates: a session survives its connections, each of which proves both sides anew', async () => {
  const { authority, server, worker } = await certificates();
  const asking = { ...server, ca: authority.cert, requestCert: true };
  const listener = scope.use(await listenTls({ host, port: 0, certificates: asking, resume: true }, arrivals.take));
  const proxy = await proxied(portOf(listener));
  const counted = new Counted();
  const own = { ...worker, ca: authority.cert };
  const a = await dialTls({ host, port: proxy.port, certificates: own, resume: counted.resume });
  const b = await arrivals.get();
  await survive(a, b, proxy, counted);
  expect(proxy.taken).toBeGreaterThan(5);
  expect(arrivals.sessions.length).toBe(1);
  expect([a.peer.encrypted, b.peer.encrypted]).toStrictEqual([true, true]);
  await a.close();
});

test('unix: a session survives its connections', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'channel-'));
  scope.defer(() => rm(folder, { recursive: true }));
  const [path, front] = [join(folder, 's'), join(folder, 'front')];
  scope.use(await listenUnix({ path, resume: true }, arrivals.take));
  const proxy = await proxied(path, front);
  const counted = new Counted();
  const a = await dialUnix({ path: front, resume: counted.resume });
  await survive(a, await arrivals.get(), proxy, counted);
  await a.close();
});

test('a key proved in band is proved once and holds for the connections that follow', async () => {
  const key = new Uint8Array(randomBytes(32));
  let asked = 0;
  const keyFor = (): Uint8Array => {
    asked++;
    return key;
  };
  const proving = { host, port: 0, resume: true, session: { auth: keyAuth({ keyFor }) } };
  const listener = scope.use(await listenTcp(proving, arrivals.take));
  const proxy = await proxied(portOf(listener));
  const counted = new Counted();
  const session = { auth: keyAuth({ identity: 'me', key }) };
  const a = await dialTcp({ host, port: proxy.port, session, resume: counted.resume });
  const b = await arrivals.get();
  await survive(a, b, proxy, counted);
  expect([asked, b.peer.identity]).toStrictEqual([1, 'me']);
  await a.close();
});
