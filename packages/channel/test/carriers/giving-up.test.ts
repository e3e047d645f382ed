import { once } from 'node:events';
import { createServer as createHttp1 } from 'node:http';
import { createServer as createHttp2 } from 'node:http2';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createSecure } from 'node:tls';
import { CircuitError, type WaitOptions } from '@circuit/base';
import type { Session, SessionOptions } from '@circuit/channel';
import { keyAuth } from '@circuit/channel/auth';
import { dialHttp } from '@circuit/channel/http';
import { dialHttp2 } from '@circuit/channel/http2';
import { dialTcp } from '@circuit/channel/tcp';
import { dialTls } from '@circuit/channel/tls';
import { dialUnix } from '@circuit/channel/unix';
import { dialWebSocket } from '@circuit/channel/websocket';
import { ManualClock, until } from '@circuit/testkit';
import { expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { dialWebSocket as dialFromPage } from '../../src/carriers/websocket/websocket-browser.js';
import { makeAuthority } from '../support/certificates.js';
import { scopePerTest } from '../support/scope-per-test.js';

const host = '127.0.0.1';
const scope = scopePerTest();

interface DialOptions extends WaitOptions {
  readonly deadlineMs?: number;
  readonly session?: SessionOptions;
  readonly resume?: true;
}

type Dial = (options: DialOptions) => Promise<Session>;

/** Begins to listen until the end of the test; counts those that have begun by `event`. */
async function listening(server: Server, event = 'connection', place: object = { host, port: 0 }) {
  let begun = 0;
  server.on(event, (socket: object) => {
    begun++;
    (socket as Server).on('error', () => undefined);
    if ('resume' in socket) (socket as { resume(): void }).resume();
  });
  server.listen(place);
  await once(server, 'listening');
  scope.defer(() => void server.close());
  const { port } = server.address() as AddressInfo;
  return { port, begun: () => begun };
}

const overTls: Readonly<Record<string, (port: number) => Dial>> = {
  http2: (port) => (options) => dialHttp2({ url: `https://${host}:${port}`, ...options }),
  http: (port) => (options) => dialHttp({ url: `https://${host}:${port}`, ...options }),
  websocket: (port) => (options) => dialWebSocket({ url: `wss://${host}:${port}`, ...options }),
  tls: (port) => (options) => dialTls({ host, port, certificates: {}, ...options }),
};

test.each(
  Object.entries(overTls),
)('%s: a dial that is given up while TLS is agreed says so, whatever the reason', async (_name, dialTo) => {
  const silent = await listening(createServer());
  const own = new CircuitError('closed', 'the shop is closed');
  const reasons: readonly [unknown, object][] = [
    [undefined, { code: 'cancelled' }],
    [new Error('mine'), { code: 'cancelled' }],
    [Object.assign(new Error('mine'), { code: 20 }), { code: 'cancelled' }],
    ['text', { code: 'cancelled' }],
    [own, { code: 'closed', message: expect.stringContaining(own.message) as string }],
  ];
  for (const [index, [reason, expected]] of reasons.entries()) {
    const giving = new AbortController();
    const dialling = expect(dialTo(silent.port)({ signal: giving.signal })).rejects.toMatchObject(expected);
    await until('the connection', () => silent.begun() === index + 1);
    giving.abort(reason);
    await dialling;
  }
});

/** Dials of servers that take the connection and say nothing on it, with how many they have taken. */
const silent: Readonly<Record<string, () => Promise<{ dial: Dial; begun: () => number }>>> = {
  tcp: async () => {
    const { port, begun } = await listening(createServer());
    return { begun, dial: (options) => dialTcp({ host, port, ...options }) };
  },
  unix: async () => {
    const folder = await mkdtemp(join(tmpdir(), 'channel-'));
    scope.defer(() => rm(folder, { recursive: true }));
    const path = join(folder, 's');
    const { begun } = await listening(createServer(), 'connection', { path });
    return { begun, dial: (options) => dialUnix({ path, descriptors: false, ...options }) };
  },
  tls: async () => {
    const authority = await makeAuthority();
    scope.defer(() => authority.remove());
    const server = createSecure(await authority.issue('server'));
    const { port, begun } = await listening(server, 'secureConnection');
    const certificates = { ca: authority.cert };
    return { begun, dial: (options) => dialTls({ host, port, certificates, ...options }) };
  },
  http2: async () => {
    const { port, begun } = await silentHttp2();
    return { begun, dial: (options) => dialHttp2({ url: `http://${host}:${port}`, ...options }) };
  },
  http: async () => {
    const { port, begun } = await silentHttp2();
    return { begun, dial: (options) => dialHttp({ url: `http://${host}:${port}`, ...options }) };
  },
  websocket: async () => {
    const { port, begun } = await silentWebSockets();
    return { begun, dial: (options) => dialWebSocket({ url: `ws://${host}:${port}`, ...options }) };
  },
  'websocket of a page': async () => {
    const { port, begun } = await silentWebSockets();
    const globals = globalThis as { WebSocket?: unknown };
    const before = globals.WebSocket;
    globals.WebSocket = WebSocket;
    scope.defer(() => {
      globals.WebSocket = before;
    });
    return { begun, dial: (options) => dialFromPage({ url: `ws://${host}:${port}`, ...options }) };
  },
};

function silentHttp2() {
  const server = createHttp2();
  server.on('stream', (stream) => {
    stream.respond({ ':status': 200, 'content-type': 'application/vnd.circuit.channel' });
  });
  return listening(server, 'stream');
}

async function silentWebSockets() {
  const server = createHttp1();
  const sockets = new WebSocketServer({ server });
  let begun = 0;
  sockets.on('connection', () => {
    begun++;
  });
  return { ...(await listening(server)), begun: () => begun };
}

test.each(
  Object.entries(silent),
)('%s: the deadline of a dial is that of the proof of a key and of the agreement to resume as well', async (_name, listen) => {
  const { dial, begun } = await listen();
  const auth = keyAuth({ identity: 'me', key: new Uint8Array(32), allowPlaintext: true });
  for (const [index, more] of [{ auth }, { resume: true as const }].entries()) {
    const clock = new ManualClock();
    const { resume, ...session } = { resume: undefined, ...more };
    const options = { deadlineMs: 300, session: { clock, ...session }, ...(resume && { resume }) };
    const dialling = dial(options);
    const errors: unknown[] = [];
    const settled = dialling.catch((error: unknown) => errors.push(error));
    await until('the server to have it', () => begun() === index + 1);
    await clock.advance(299);
    expect(errors).toStrictEqual([]);
    await clock.advance(1);
    await settled;
    expect(errors).toMatchObject([
      {
        code: 'timeout',
        retryable: true,
        message: expect.stringMatching(/^dial \S+ ?\S*: not done within 300 ms$/) as string,
      },
    ]);
    // What is left of the connection has this long for its goodbye.
    await clock.advance(5000);
  }
});
