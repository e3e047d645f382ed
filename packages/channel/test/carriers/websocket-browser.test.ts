import { once } from 'node:events';
import { listenWebSocket } from '@circuit/channel/websocket-listener';
import { ManualClock } from '@circuit/testkit';
import { beforeEach, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { dialWebSocket } from '../../src/carriers/websocket/websocket-browser.js';
import { Arrivals } from '../support/arrivals.js';
import { bundle } from '../support/bundle.js';
import { scopePerTest } from '../support/scope-per-test.js';
import { portOf } from '../support/transports.js';

const host = '127.0.0.1';
const session = { keepAliveMs: 0 };
const globals = globalThis as { WebSocket?: unknown };
const scope = scopePerTest();

beforeEach(() => {
  const before = globals.WebSocket;
  globals.WebSocket = WebSocket;
  scope.defer(() => {
    globals.WebSocket = before;
  });
});

test('what a browser loads holds neither Node’s modules nor ws', async () => {
  const { meta } = await bundle('src/carriers/websocket/websocket-browser.ts', { platform: 'browser' });
  const inputs = Object.entries(meta.inputs);
  const imports = inputs.flatMap(([, { imports }]) => imports.map(({ path }) => path));
  expect(inputs.length).toBeGreaterThan(20);
  expect(
    [...inputs.map(([path]) => path), ...imports].filter((path) => /^node:|node_modules\/ws\//.test(path)),
  ).toStrictEqual([]);
});

test('headers and certificates are refused with what to do instead', async () => {
  const url = `ws://${host}:1/x`;
  for (const options of [{ url, headers: { a: 'b' } }, { url: `ws://ada:pw@${host}:1/x` }]) {
    await expect(dialWebSocket(options)).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringMatching(
        /^dial websocket ws:\/\/127.0.0.1:1\/x: a browser cannot add headers.*token/,
      ) as string,
    });
  }
  await expect(dialWebSocket({ url, tls: { ca: 'x' } })).rejects.toMatchObject({ code: 'unsupported' });
  globals.WebSocket = undefined;
  await expect(dialWebSocket({ url })).rejects.toMatchObject({ code: 'unsupported' });
});

test('a failure that the browser does not explain is unreachable, a silent host is given up at the deadline', async () => {
  const clock = new ManualClock();
  const arrivals = scope.use(new Arrivals());
  const options = { host, port: 0, authenticate: () => new Promise<never>(() => undefined), session };
  const listener = scope.use(await listenWebSocket(options, arrivals.take));
  const url = `ws://${host}:${portOf(listener)}/`;
  await expect(dialWebSocket({ url: `${url}elsewhere`, session })).rejects.toMatchObject({ code: 'unreachable' });
  const dialling = dialWebSocket({ url, deadlineMs: 1000, session: { ...session, clock } });
  const outcome = expect(dialling).rejects.toMatchObject({ code: 'timeout' });
  await clock.advance(1000);
  await outcome;
  const stop = new AbortController();
  const given = dialWebSocket({ url, signal: stop.signal, session });
  stop.abort();
  await expect(given).rejects.toMatchObject({ code: 'cancelled' });
});

test('text and messages over 1 MiB end the session, and the other side hears why', async () => {
  const server = new WebSocketServer({ port: 0, host });
  scope.defer(() => server.close());
  await once(server, 'listening');
  const closings: (number | undefined)[] = [];
  const messages: (string | Uint8Array)[] = ['text', new Uint8Array(1_048_577)];
  server.on('connection', (ws) => {
    ws.on('close', (code) => void closings.push(code));
    ws.send(messages[closings.length] ?? '');
  });
  const { port } = server.address() as { port: number };
  for (const expected of ['a text message', '1048577 bytes']) {
    const dialled = await dialWebSocket({ url: `ws://${host}:${port}/`, session });
    expect(await dialled.closed).toMatchObject({
      code: 'protocol',
      message: expect.stringContaining(expected) as string,
    });
    await new Promise<void>((resolve) => {
      for (const ws of server.clients) ws.once('close', () => resolve());
      if (server.clients.size === 0) resolve();
    });
  }
  expect(closings).toStrictEqual([4003, 4009]);
});
