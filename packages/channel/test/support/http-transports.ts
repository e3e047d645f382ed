import type { SessionOptions } from '@circuit/channel';
import type { Connect } from '@circuit/channel/conformance';
import { type ClientTls, dialHttp2, listenHttp2, type ServerTls } from '@circuit/channel/http2';
import { dialWebSocket } from '@circuit/channel/websocket';
import { listenWebSocket } from '@circuit/channel/websocket-listener';
import { WebSocket } from 'ws';
import { certificates } from './certificates.js';
import { startHaproxy } from './proxy.js';
import { dialWebSocket as dialAsBrowser } from '../../src/carriers/websocket/websocket-browser.js';
import { over, portOf } from './transports.js';

const host = '127.0.0.1';

/** The two sides of TLS over HTTP: the listener's, whose certificate the dialler's authority has signed. */
async function encrypted(): Promise<{ readonly listener: ServerTls; readonly dialler: ClientTls }> {
  const { authority, server } = await certificates();
  return { listener: server, dialler: { ca: authority.cert } };
}

function overWebSocket(dial: typeof dialWebSocket): Connect {
  return (options) =>
    over(async (session, onSession) => {
      const listener = await listenWebSocket({ host, port: 0, session }, onSession);
      const url = `ws://${host}:${portOf(listener)}/`;
      return { listener, dial: (own: SessionOptions) => dial({ url, session: own }) };
    }, options);
}

export const connectWebSocket: Connect = overWebSocket(dialWebSocket);

export const connectWebSocketTls: Connect = (options) =>
  over(async (session, onSession) => {
    const tls = await encrypted();
    const listener = await listenWebSocket({ host, port: 0, session, tls: tls.listener }, onSession);
    const url = `wss://${host}:${portOf(listener)}/`;
    return { listener, dial: (own: SessionOptions) => dialWebSocket({ url, session: own, tls: tls.dialler }) };
  }, options);

/** The browser's carrier over the class of the same shape that `ws` has; a page in a real one has its own test. */
export const connectBrowserWebSocket: Connect = overWebSocket(async (options) => {
  const scope = globalThis as { WebSocket?: unknown };
  const before = scope.WebSocket;
  scope.WebSocket = WebSocket;
  try {
    return await dialAsBrowser(options);
  } finally {
    scope.WebSocket = before;
  }
});

export const connectHttp2: Connect = (options) =>
  over(async (session, onSession) => {
    const listener = await listenHttp2({ host, port: 0, session }, onSession);
    const url = `http://${host}:${portOf(listener)}/`;
    return { listener, dial: (own: SessionOptions) => dialHttp2({ url, session: own }) };
  }, options);

export const connectHttp2Tls: Connect = (options) =>
  over(async (session, onSession) => {
    const tls = await encrypted();
    const listener = await listenHttp2({ host, port: 0, session, tls: tls.listener }, onSession);
    const url = `https://${host}:${portOf(listener)}/`;
    return { listener, dial: (own: SessionOptions) => dialHttp2({ url, session: own, tls: tls.dialler }) };
  }, options);

/** haproxy between the two, which speaks HTTP/2 on both of its sides. */
export const connectHttp2Proxied: Connect = (options) =>
  over(async (session, onSession) => {
    const listener = await listenHttp2({ host, port: 0, session }, onSession);
    const proxy = await startHaproxy(
      (port) => `listen all
  bind ${host}:${port} proto h2
  server one ${host}:${portOf(listener)} proto h2
`,
    );
    const url = `http://${host}:${proxy.port}/`;
    return { listener, dial: (own: SessionOptions) => dialHttp2({ url, session: own }), release: () => proxy.close() };
  }, options);
