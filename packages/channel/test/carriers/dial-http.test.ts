import { createServer as createHttp1 } from 'node:http';
import { once } from 'node:events';
import { createServer as createHttp2 } from 'node:http2';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { dialHttp } from '@circuit/channel/http';
import { listenHttp2, mountHttp2 } from '@circuit/channel/http2';
import { listenWebSocket, mountWebSocket } from '@circuit/channel/websocket-listener';
import { ManualClock, until } from '@circuit/testkit';
import { expect, test } from 'vitest';
import { arrivalsPerTest } from '../support/arrivals.js';
import { makeAuthority } from '../support/certificates.js';
import { works } from '../support/http-roads.js';
import { scopePerTest } from '../support/scope-per-test.js';
import { portOf } from '../support/transports.js';

const host = '127.0.0.1';
const session = { keepAliveMs: 0 };
const scope = scopePerTest();
const arrivals = arrivalsPerTest(scope);

async function listening(server: Server): Promise<string> {
  server.listen(0, host);
  await once(server, 'listening');
  scope.defer(() => void server.close());
  return `http://${host}:${(server.address() as AddressInfo).port}/`;
}

test('HTTP/2 is taken where it works', async () => {
  const listener = scope.use(await listenHttp2({ host, port: 0, session }, arrivals.take));
  const dialled = await dialHttp({ url: `http://${host}:${portOf(listener)}/`, session });
  expect(dialled.peer.carrier).toBe('http2');
  await works(dialled, await arrivals.get());
  await dialled.close();
});

test('a server of HTTP/1 is reached by a WebSocket, in the clear and over TLS', async () => {
  const authority = await makeAuthority();
  scope.defer(() => authority.remove());
  const plain = scope.use(await listenWebSocket({ host, port: 0, session }, arrivals.take));
  const tls = await authority.issue('server');
  const secure = scope.use(await listenWebSocket({ host, port: 0, tls, session }, arrivals.take));
  const urls = [`http://${host}:${portOf(plain)}/`, `https://${host}:${portOf(secure)}/`];
  for (const [index, url] of urls.entries()) {
    const dialled = await dialHttp({ url, tls: { ca: authority.cert }, session });
    expect(dialled.peer.carrier).toBe('websocket');
    await works(dialled, await arrivals.get(index + 1));
    await dialled.close();
  }
});

test('a refusal is final: no second request is made', async () => {
  let asked = 0;
  const authenticate = (): { refuse: 403 } => {
    asked++;
    return { refuse: 403 };
  };
  const listener = scope.use(await listenHttp2({ host, port: 0, authenticate, session }, arrivals.take));
  const url = `http://${host}:${portOf(listener)}/`;
  await expect(dialHttp({ url, session })).rejects.toMatchObject({
    code: 'denied',
    detail: 'HTTP 403',
    message: `dial ${url}: HTTP/2: refused with 403`,
  });
  expect(asked).toBe(1);
  const second = scope.use(await listenWebSocket({ host, port: 0, authenticate, session }, arrivals.take));
  await expect(dialHttp({ url: `http://${host}:${portOf(second)}/`, session })).rejects.toMatchObject({
    message: `dial http://${host}:${portOf(second)}/: WebSocket: refused with 403`,
  });
  expect(asked).toBe(2);
});

test('when both fail the error names both', async () => {
  const http1 = await listening(createHttp1((_request, response) => void response.writeHead(404).end()));
  await expect(dialHttp({ url: http1, session })).rejects.toMatchObject({
    code: 'not-found',
    message: expect.stringMatching(/^dial http:.*: HTTP\/2: .+; WebSocket: refused with 404$/) as string,
  });
  const http2 = createHttp2();
  mountHttp2(http2, { path: '/there', session }, arrivals.take);
  const url = await listening(http2);
  await expect(dialHttp({ url, session })).rejects.toMatchObject({
    message: expect.stringMatching(/HTTP\/2: refused with 404; WebSocket: /) as string,
  });
  const gone = createServer();
  const nobody = await listening(gone);
  await scope.close();
  await until('the port to be free', () => !gone.listening);
  await expect(dialHttp({ url: nobody, session })).rejects.toMatchObject({
    code: 'unreachable',
    message: `dial ${nobody}: HTTP/2: connection refused; WebSocket: connection refused`,
  });
});

test('a server that is silent over HTTP/2 leaves the other half of the deadline to the WebSocket', async () => {
  const clock = new ManualClock();
  const http1 = createHttp1();
  mountWebSocket(http1, { session }, arrivals.take);
  const firsts: string[] = [];
  const front = createServer((socket) => {
    socket.once('data', (head: Buffer) => {
      firsts.push(head.toString('latin1', 0, 3));
      if (head.toString('latin1', 0, 3) === 'PRI') socket.on('error', () => undefined).resume();
      else {
        socket.unshift(head);
        http1.emit('connection', socket);
      }
    });
  });
  const url = await listening(front);
  const dialling = dialHttp({ url, deadlineMs: 4000, session: { keepAliveMs: 0, clock } });
  await until('HTTP/2 to be tried', () => firsts.length === 1);
  await clock.advance(1999);
  expect(firsts).toStrictEqual(['PRI']);
  await clock.advance(1);
  const dialled = await dialling;
  expect(firsts).toStrictEqual(['PRI', 'GET']);
  await works(dialled, await arrivals.get());
  await dialled.close();
  expect(clock.pending).toBe(0);
});

test('both attempts together keep to one deadline', async () => {
  const clock = new ManualClock();
  let connections = 0;
  const silent = createServer((socket) => {
    connections++;
    socket.on('error', () => undefined).resume();
  });
  const url = await listening(silent);
  const dialling = dialHttp({ url, deadlineMs: 4000, session: { keepAliveMs: 0, clock } });
  const outcome = expect(dialling).rejects.toMatchObject({
    code: 'timeout',
    message: `dial ${url}: HTTP/2: not done within 2000 ms; dial ${url}: not done within 4000 ms`,
  });
  await until('HTTP/2 to be tried', () => connections === 1);
  await clock.advance(2000);
  await until('the WebSocket to be tried', () => connections === 2);
  await clock.advance(2000);
  await outcome;
  expect(clock.pending).toBe(0);
});
