import { createServer as createHttp1, get, type Server } from 'node:http';
import { connect, createSecureServer, createServer, type Http2Server } from 'node:http2';
import { type AddressInfo, connect as connectTcp } from 'node:net';
import { text } from 'node:stream/consumers';
import { dialHttp2, mountHttp2 } from '@circuit/channel/http2';
import { dialWebSocket } from '@circuit/channel/websocket';
import { mountWebSocket } from '@circuit/channel/websocket-listener';
import { expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { Arrivals, arrivalsPerTest } from '../support/arrivals.js';
import { makeAuthority } from '../support/certificates.js';
import { works } from '../support/http-roads.js';
import { scopePerTest } from '../support/scope-per-test.js';

const host = '127.0.0.1';
const session = { keepAliveMs: 0 };
const scope = scopePerTest();
const arrivals = arrivalsPerTest(scope);

/** Begins to listen, until the end of the test; answers with `host:port`. */
async function listening(server: { listen: Server['listen']; close: Server['close']; address: Server['address'] }) {
  await new Promise<void>((resolve) => void server.listen(0, host, resolve));
  scope.defer(() => new Promise<void>((resolve) => void server.close(() => resolve())));
  return `${host}:${(server.address() as AddressInfo).port}`;
}

function fetched(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get(url, { agent: false }, (response) => void text(response).then(resolve, reject)).on('error', reject);
  });
}

/** One request over HTTP/2: status and body. */
async function fetched2(origin: string, path: string, method = 'GET', ca?: string): Promise<[number, string]> {
  const client = connect(origin, ca === undefined ? {} : { ca });
  const stream = client.request({ ':path': path, ':method': method });
  const status = new Promise<number>((resolve) => {
    stream.on('response', (headers) => resolve(headers[':status'] ?? 0));
  });
  stream.end();
  const body = await text(stream);
  client.close();
  return [await status, body];
}

test('WebSockets at two paths of a server, beside its routes and another upgrade handler', async () => {
  const server = createHttp1((request, response) => void response.end(`route ${request.url ?? ''}`));
  const others = new WebSocketServer({ noServer: true });
  server.on('upgrade', (request, socket, head) => {
    if (request.url === '/chat') others.handleUpgrade(request, socket, head, (ws) => ws.send('chat'));
  });
  const second = scope.use(new Arrivals());
  const mounted = mountWebSocket(server, { path: '/a', session }, arrivals.take);
  mountWebSocket(server, { path: '/b', session }, second.take);
  const at = await listening(server);
  expect(() => mountWebSocket(server, { path: '/a' }, arrivals.take)).toThrow(
    expect.objectContaining({ code: 'conflict' }) as Error,
  );
  expect(() => mountWebSocket(server, { path: 'a' }, arrivals.take)).toThrow(
    expect.objectContaining({ code: 'invalid' }) as Error,
  );
  const a = await dialWebSocket({ url: `http://${at}/a?x=1`, session });
  const b = await dialWebSocket({ url: `ws://${at}/b`, session });
  await works(a, await arrivals.get());
  await works(b, await second.get());
  expect(await fetched(`http://${at}/a`)).toBe('route /a');
  const chat = new WebSocket(`ws://${at}/chat`);
  expect(await new Promise((resolve) => chat.once('message', (data) => resolve((data as Buffer).toString())))).toBe(
    'chat',
  );
  chat.terminate();
  mounted.close();
  mounted.close();
  await works(a, await arrivals.get());
  await Promise.all([a.close(), b.close()]);
});

test('an upgrade that is nobody else’s is answered by 404 instead of being held for ever', async () => {
  const server = createHttp1();
  mountWebSocket(server, { path: '/a', session }, arrivals.take);
  const at = await listening(server);
  await expect(dialWebSocket({ url: `ws://${at}/b`, session })).rejects.toMatchObject({ code: 'not-found' });
});

test('HTTP/2 at a path of a server, beside its streams and requests, many sessions on one port', async () => {
  const heard: string[] = [];
  const server: Http2Server = createServer((request, response) => {
    heard.push(`request ${request.method} ${request.url}`);
    response.end(`route ${request.url}`);
  });
  server.on('stream', (_stream, headers) => void heard.push(`stream ${headers[':path'] ?? ''}`));
  const mounted = mountHttp2(server, { path: '/sessions', session }, arrivals.take);
  server.on('stream', () => void heard.push('late'));
  const at = await listening(server as unknown as Server);
  const url = `http://${at}/sessions?x=1`;
  const dialled = await Promise.all([1, 2, 3].map(() => dialHttp2({ url, session })));
  for (const [index, one] of dialled.entries()) await works(one, await arrivals.get(index + 1));
  expect(heard).toStrictEqual([]);
  // What is no session stays the server's, at the same path too.
  expect(await fetched2(`http://${at}`, '/sessions', 'POST')).toStrictEqual([200, 'route /sessions']);
  expect(await fetched2(`http://${at}`, '/other')).toStrictEqual([200, 'route /other']);
  expect(heard).toContain('request POST /sessions');
  expect(heard).toContain('stream /other');
  expect(heard).toContain('late');
  mounted.close();
  await expect(dialHttp2({ url, session })).rejects.toMatchObject({
    code: 'protocol',
    message: `dial http2 http://${at}/sessions: the answer is not that of a listener for sessions`,
  });
  for (const one of dialled) await one.close();
});

test('a stream that is nobody else’s is answered by 404', async () => {
  const server = createServer();
  mountHttp2(server, { path: '/sessions', session }, arrivals.take);
  const at = await listening(server as unknown as Server);
  expect(await fetched2(`http://${at}`, '/other')).toStrictEqual([404, 'not found\n']);
});

test('one port over TLS takes sessions over HTTP/2 and WebSockets, and requests of both versions', async () => {
  const authority = await makeAuthority();
  scope.defer(() => authority.remove());
  const server = createSecureServer(
    { ...(await authority.issue('server')), allowHTTP1: true },
    (request, response) => void response.end(`route ${request.httpVersion}`),
  );
  mountHttp2(server, { path: '/sessions', session }, arrivals.take);
  mountWebSocket(server, { path: '/sessions', session }, arrivals.take);
  const at = await listening(server as unknown as Server);
  const options = { url: `https://${at}/sessions`, tls: { ca: authority.cert }, session };
  const over2 = await dialHttp2(options);
  await works(over2, await arrivals.get(1));
  const overWebSocket = await dialWebSocket(options);
  await works(overWebSocket, await arrivals.get(2));
  expect(arrivals.sessions.map(({ peer }) => peer.carrier)).toStrictEqual(['http2', 'websocket']);
  expect(await fetched2(`https://${at}`, '/', 'GET', authority.cert)).toStrictEqual([200, 'route 2.0']);
  await Promise.all([over2.close(), overWebSocket.close()]);
});

test('a hundred sessions that are aborted do not disturb the others on their connection', async () => {
  const server = createServer();
  mountHttp2(server, { path: '/', session }, arrivals.take);
  const at = await listening(server as unknown as Server);
  const url = `http://${at}/`;
  const staying = await dialHttp2({ url, session });
  const first = await arrivals.get();
  for (let i = 2; i < 102; i++) {
    const dialled = await dialHttp2({ url, session });
    const accepted = await arrivals.get(i);
    (i % 2 === 0 ? dialled : accepted).abort();
    expect(await (i % 2 === 0 ? accepted : dialled).closed).toMatchObject({ code: 'peer-gone' });
  }
  await works(staying, first);
  await staying.close();
});

test('a connection that is reset while authenticate thinks leaves nothing', async () => {
  const server = createHttp1();
  let answer = (): void => undefined;
  const asked = new Promise<void>((resolve) => {
    const authenticate = (): Promise<{ identity: number }> => {
      resolve();
      return new Promise((decided) => {
        answer = () => decided({ identity: 1 });
      });
    };
    mountWebSocket(server, { path: '/', authenticate, session }, arrivals.take);
  });
  const at = await listening(server);
  const socket = connectTcp(Number(at.split(':')[1]), host);
  socket.write(
    'GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  );
  await asked;
  socket.resetAndDestroy();
  await new Promise((resolve) => socket.once('close', resolve));
  answer();
});
