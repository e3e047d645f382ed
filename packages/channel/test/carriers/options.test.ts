import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { CircuitError } from '@circuit/base';
import type { Session, SessionOptions } from '@circuit/channel';
import { keyAuth } from '@circuit/channel/auth';
import { dial, listen, MemoryNetwork } from '@circuit/channel/dial';
import { dialSocket, startGateway } from '@circuit/channel/gateway';
import { dialHttp } from '@circuit/channel/http';
import { dialHttp2, listenHttp2 } from '@circuit/channel/http2';
import { dialWorker, listenWorker, portSession, type PortTarget } from '@circuit/channel/message-port';
import { dialTcp, listenTcp } from '@circuit/channel/tcp';
import { dialTls, listenTls } from '@circuit/channel/tls';
import { dialUnix } from '@circuit/channel/unix';
import { dialWebSocket } from '@circuit/channel/websocket';
import { listenWebSocket } from '@circuit/channel/websocket-listener';
import { until } from '@circuit/testkit';
import { expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { dialWebSocket as dialFromPage } from '../../src/carriers/websocket/websocket-browser.js';
import { makeAuthority } from '../support/certificates.js';
import { scopePerTest } from '../support/scope-per-test.js';

const scope = scopePerTest();
const place = { host: '127.0.0.1', port: 0 };
const refuseAll = (): never => {
  throw new Error('nobody may come in');
};

/** What no session takes, and what its refusal says. */
const faulty: readonly [SessionOptions, string, RegExp][] = [
  [{ codec: 'nope' }, 'unsupported', /codec nope: unknown here, known are msgpack, json/],
  [{ limits: { windowBytes: 0 } }, 'invalid', /windowBytes: 0, want a whole number from 131072/],
  [{ keepAliveMs: Number.NaN }, 'invalid', /session.keepAliveMs: NaN, want milliseconds from 0/],
  [{ graceMs: -1 }, 'invalid', /session.graceMs: -1, want milliseconds from 0/],
  [{ busyPollMs: Number.NaN }, 'invalid', /session.busyPollMs: NaN, want milliseconds from 0/],
];

test('options that no session can have are refused before anybody is dialled or can come in', async () => {
  const arrived: Session[] = [];
  const listener = await listenTcp(place, (session) => void arrived.push(session));
  for (const [session, code, message] of faulty) {
    const refusal = { code, message: expect.stringMatching(message) as string };
    await expect(listenTcp({ ...place, session }, refuseAll)).rejects.toMatchObject(refusal);
    await expect(dialTcp({ ...place, port: listener.address.port, session })).rejects.toMatchObject(refusal);
    const { port } = listener.address;
    await expect(dialTcp({ ...place, port, session, resume: true })).rejects.toMatchObject(refusal);
  }
  const auth = keyAuth({ identity: 'me', key: new Uint8Array(32) });
  await expect(listenTcp({ ...place, session: { auth } }, refuseAll)).rejects.toMatchObject({ code: 'invalid' });
  const good = await dialTcp({ ...place, port: listener.address.port });
  await until('the good one to arrive', () => arrived.length > 0);
  expect(arrived.length).toBe(1);
  await Promise.all([good.close(), ...arrived.map((session) => session.close())]);
  await listener.close();
});

test('a worker is told nothing by a dial with such options, and a listener, a name and a port refuse them', async () => {
  const posted: unknown[] = [];
  const worker: PortTarget = { postMessage: (message) => void posted.push(message) };
  const network = new MemoryNetwork();
  network.listen('good', refuseAll);
  for (const [session, code] of faulty) {
    const refusal = expect.objectContaining({ code }) as Error;
    const { port1, port2 } = new MessageChannel();
    expect(() => dialWorker(worker, { session })).toThrow(refusal);
    expect(() => listenWorker(worker, refuseAll, { session })).toThrow(refusal);
    expect(() => portSession(port1, 'dialler', { session })).toThrow(refusal);
    expect(() => network.listen('bad', refuseAll, session)).toThrow(refusal);
    await expect(network.dial('good', { session })).rejects.toThrow(refusal);
    await expect(network.dial('bad')).rejects.toMatchObject({ code: 'unreachable' });
    port2.close();
  }
  expect(posted).toStrictEqual([]);
});

test('a page dials nobody with such options', async () => {
  const globals = globalThis as { WebSocket?: unknown };
  const before = globals.WebSocket;
  globals.WebSocket = WebSocket;
  scope.defer(() => {
    globals.WebSocket = before;
  });
  const server = new WebSocketServer(place);
  scope.defer(() => server.close());
  await once(server, 'listening');
  server.on('connection', refuseAll);
  const url = `ws://127.0.0.1:${(server.address() as { port: number }).port}/`;
  for (const [session, code] of faulty) await expect(dialFromPage({ url, session })).rejects.toMatchObject({ code });
  const signal = {} as AbortSignal;
  await expect(dialFromPage({ url, signal })).rejects.toMatchObject({ code: 'invalid' });
  expect(server.clients.size).toBe(0);
});

test('a port that there is not is invalid, wherever it is named', async () => {
  const nowhere = { host: '127.0.0.1', port: 70_000 };
  const psk = { identity: 'me', key: new Uint8Array(32) };
  const refusal = { code: 'invalid', message: expect.stringContaining('127.0.0.1:70000: port 70000, want') as string };
  await expect(dialTcp(nowhere)).rejects.toMatchObject(refusal);
  await expect(dialTls({ ...nowhere, psk })).rejects.toMatchObject(refusal);
  const nobody = { port: 1 } as unknown as { readonly host: string; readonly port: number };
  const missing = { code: 'invalid', message: 'dial tcp undefined:1: host of type undefined, want text' };
  await expect(dialTcp(nobody)).rejects.toMatchObject(missing);
  await expect(listenTcp(nowhere, refuseAll)).rejects.toMatchObject(refusal);
  await expect(listenTls({ ...nowhere, pskFor: () => psk.key }, refuseAll)).rejects.toMatchObject(refusal);
  await expect(listenHttp2(nowhere, refuseAll)).rejects.toMatchObject(refusal);
  await expect(listenWebSocket(nowhere, refuseAll)).rejects.toMatchObject(refusal);
});

test('what is no port, no worker and no scope is invalid, and nothing happens later', async () => {
  const unhandled: unknown[] = [];
  const hear = (error: unknown): void => void unhandled.push(error);
  process.on('unhandledRejection', hear);
  scope.defer(() => void process.off('unhandledRejection', hear));
  for (const nothing of [null, undefined, 5, 'port', {}, { postMessage: 5 }]) {
    const refusal = expect.objectContaining({
      code: 'invalid',
      message: expect.stringMatching(/method/) as string,
    }) as Error;
    expect(() => portSession(nothing as unknown as MessagePort, 'dialler')).toThrow(refusal);
    expect(() => dialWorker(nothing as unknown as PortTarget)).toThrow(refusal);
    expect(() => listenWorker(nothing as unknown as PortTarget, refuseAll)).toThrow(refusal);
  }
  await new Promise(setImmediate);
  expect(unhandled).toStrictEqual([]);
});

test('what is no signal is invalid, and nobody is dialled', async () => {
  const sockets = new Set<Socket>();
  const uncaught: unknown[] = [];
  const hear = (error: unknown): void => void uncaught.push(error);
  process.on('uncaughtException', hear);
  scope.defer(() => void process.off('uncaughtException', hear));
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    sockets.add(socket.resume());
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
  });
  scope.defer(() => void server.close());
  server.listen(place);
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  for (const value of [{}, null, 'signal', { aborted: false }]) {
    const refusal = {
      code: 'invalid',
      message: expect.stringMatching(/signal of type .*, want an AbortSignal/) as string,
    };
    const signal = value as AbortSignal;
    await expect(dialTcp({ ...place, port, signal })).rejects.toMatchObject(refusal);
    await expect(dialUnix({ path: '/nonexistent/socket', signal })).rejects.toMatchObject(refusal);
    await expect(dialSocket({ ...place, port }, { signal })).rejects.toMatchObject(refusal);
    const psk = { identity: 'me', key: new Uint8Array(32) };
    await expect(dialTls({ ...place, port, psk, signal })).rejects.toMatchObject(refusal);
    const url = `http://127.0.0.1:${port}/`;
    for (const dialWeb of [dialHttp, dialHttp2, dialWebSocket])
      await expect(dialWeb({ url, signal })).rejects.toMatchObject(refusal);
  }
  const socket = await dialSocket({ ...place, port });
  await until('it to be the only one', () => sockets.size === 1);
  expect(connections).toBe(1);
  expect(uncaught).toStrictEqual([]);
  socket.abort(new CircuitError('closed', 'done'));
});

test('times and counts that are none are refused before anything is begun', async () => {
  const none = Number.NaN;
  const url = 'http://127.0.0.1:1/';
  const psk = { identity: 'me', key: new Uint8Array(32) };
  const refused: Promise<unknown>[] = [
    dialTcp({ ...place, port: 1, deadlineMs: none }),
    dialUnix({ path: '/nonexistent/socket', deadlineMs: -1 }),
    dialTls({ ...place, port: 1, psk, deadlineMs: none }),
    dialWebSocket({ url, deadlineMs: none }),
    dialHttp({ url, deadlineMs: none }),
    dial('tcp://127.0.0.1:1', { deadlineMs: none }),
    listen('tcp://127.0.0.1:0', { handshakeMs: none }, refuseAll),
    listenTls({ ...place, pskFor: () => psk.key, handshakeMs: none }, refuseAll),
    listenHttp2({ ...place, handshakeMs: none }, refuseAll),
    listenWebSocket({ ...place, handshakeMs: none }, refuseAll),
    listenWebSocket({ ...place, authenticateMs: none }, refuseAll),
    listenHttp2({ ...place, maxPending: 0 }, refuseAll),
    startGateway({ listen: place, dial: refuseAll, graceMs: none }),
    startGateway({ listen: place, dial: refuseAll, dialMs: none }),
  ];
  for (const outcome of await Promise.allSettled(refused)) {
    expect(outcome).toMatchObject({ reason: { code: 'invalid', message: expect.stringMatching(/, want /) as string } });
  }
});

test('a callback that is no function is refused before anything listens', async () => {
  const none = 5 as unknown as () => never;
  const refused: Promise<unknown>[] = [
    listenTcp(place, none),
    listenHttp2(place, none),
    listenWebSocket(place, none),
    listenTls({ ...place, pskFor: none }, refuseAll),
    listenHttp2({ ...place, authenticate: none }, refuseAll),
    listenWebSocket({ ...place, authenticate: none }, refuseAll),
    listen('tcp://127.0.0.1:0', {}, none),
    startGateway({ listen: place, dial: none }),
  ];
  const refusal = { code: 'invalid', message: expect.stringMatching(/ of type number, want a function$/) as string };
  for (const outcome of await Promise.allSettled(refused)) expect(outcome).toMatchObject({ reason: refusal });
  const { port1, port2 } = new MessageChannel();
  expect(() => listenWorker(port1, none)).toThrow(expect.objectContaining(refusal) as Error);
  expect(() => new MemoryNetwork().listen('name', none)).toThrow(expect.objectContaining(refusal) as Error);
  port2.close();
});

test('a key or a name that is of another type is invalid', async () => {
  const key = 'x'.repeat(32) as unknown as Uint8Array;
  const identity = 7 as unknown as string;
  for (const [options, message] of [
    [{ identity: 'me', key }, 'auth.key: string, want a Uint8Array of 32 to 1024 bytes'],
    [{ identity, key: new Uint8Array(32) }, 'auth.identity of 0 bytes, want 1 to 255'],
  ] as const) {
    const dialling = dialTcp({ ...place, port: 1, session: { auth: keyAuth(options) } });
    await expect(dialling).rejects.toMatchObject({ code: 'invalid', message });
  }
});

test('a TCP or Unix listener that proves nothing is given up at the deadline, and its connection with it', async () => {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.resume());
    socket.on('close', () => sockets.delete(socket));
  });
  scope.defer(() => void server.close());
  server.listen(place);
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const session = { auth: keyAuth({ identity: 'me', key: new Uint8Array(32) }) };
  for (const dialling of [
    dialTcp({ ...place, port, session, deadlineMs: 20 }),
    dial(`tcp://127.0.0.1:${port}`, { session, deadlineMs: 20 }),
  ]) {
    const message = `dial tcp 127.0.0.1:${port}: not done within 20 ms`;
    await expect(dialling).rejects.toMatchObject({ code: 'timeout', message });
  }
  await until('the connections to be gone', () => sockets.size === 0);
});

test('a listener over TLS may leave any time for the handshake', async () => {
  const authority = await makeAuthority();
  scope.defer(() => authority.remove());
  const tls = await authority.issue('server');
  const ca = authority.cert;
  const session = { keepAliveMs: 0 };
  for (const handshakeMs of [Infinity, 2 ** 40]) {
    const arrived: Session[] = [];
    const take = (session: Session): void => void arrived.push(session);
    const options = { ...place, session, handshakeMs };
    const listeners = [
      await listenTls({ ...options, certificates: tls }, take),
      await listenWebSocket({ ...options, tls }, take),
      await listenHttp2({ ...options, tls }, take),
    ];
    const [plain = 0, webSocket = 0, http2 = 0] = listeners.map(({ address }) => address.port);
    const dialled = [
      await dialTls({ ...place, port: plain, certificates: { ca }, session }),
      await dialWebSocket({ url: `wss://127.0.0.1:${webSocket}`, tls: { ca }, session }),
      await dialHttp2({ url: `https://127.0.0.1:${http2}`, tls: { ca }, session }),
    ];
    await until('all to arrive', () => arrived.length === dialled.length);
    await Promise.all([...dialled, ...arrived].map((one) => one.close()));
    for (const listener of listeners) await listener.close();
  }
});
