import type { SessionOptions } from '@circuit/channel';
import type { Connect } from '@circuit/channel/conformance';
import { dialHttp2, listenHttp2 } from '@circuit/channel/http2';
import { dialWebSocket } from '@circuit/channel/websocket';
import { listenWebSocket } from '@circuit/channel/websocket-listener';
import { WebSocket } from 'ws';
import { startHaproxy } from './proxy.js';
import { dialWebSocket as dialAsBrowser } from '../../src/carriers/websocket/websocket-browser.js';
import { over, portOf } from './transports.js';

const host = '127.0.0.1';

function overWebSocket(dial: typeof dialWebSocket): Connect {
  return (options) =>
    over(async (session, onSession) => {
      const listener = await listenWebSocket({ host, port: 0, session }, onSession);
      const url = `ws://${host}:${portOf(listener)}/`;
      return { listener, dial: (own: SessionOptions) => dial({ url, session: own }) };
    }, options);
}

export const connectWebSocket: Connect = overWebSocket(dialWebSocket);

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
