import type { Socket } from 'node:net';
import { abortError, onAbort } from '@circuit/base';
import { WebSocket } from 'ws';
import { ChannelSession } from '../session/session.js';
import type { Session } from '../types.js';
import { withinDeadline } from './dial-deadline.js';
import { httpError, httpRefusal } from './http-error.js';
import { WebSocketCarrier } from './websocket-carrier.js';
import { type DialWebSocketOptions, printUrl, webSocketUrl } from './websocket-options.js';
import { webSocketSettings } from './websocket-settings.js';

export type { ClientTls, DialWebSocketOptions } from './websocket-options.js';

/**
 * A session over a WebSocket, by the library `ws`; in browsers the same import is the one over their own WebSocket.
 * Rejects with `denied` for a refusal (401, 403), `not-found` for a path where nobody listens, `unreachable`,
 * `timeout` at the deadline, `protocol` for an answer that is no WebSocket.
 */
export async function dialWebSocket(options: DialWebSocketOptions): Promise<Session> {
  const url = webSocketUrl(options.url);
  const what = `dial websocket ${printUrl(url)}`;
  const carrier = await withinDeadline(options, what, (signal) => connect(url, options, what, signal));
  return new ChannelSession(carrier, 'dialler', options.session);
}

function connect(
  url: URL,
  { headers, tls }: DialWebSocketOptions,
  what: string,
  signal: AbortSignal,
): Promise<WebSocketCarrier> {
  return new Promise((resolve, reject) => {
    const ws = new WebSocket(url, { ...webSocketSettings, ...clientTls(tls), headers: { ...headers } });
    let socket: Socket | undefined;
    const release = onAbort(signal, () => fail(abortError(signal)));
    const fail = (error: unknown): void => {
      release();
      reject(error);
      ws.removeAllListeners();
      ws.on('error', ignore);
      ws.terminate();
    };
    ws.on('upgrade', (response) => {
      socket = response.socket;
    });
    ws.on('open', () => {
      release();
      ws.removeAllListeners();
      // Made here, not behind a promise: `ws` would lose what arrives until then.
      resolve(new WebSocketCarrier(ws, socket as Socket, { carrier: 'websocket', address: printUrl(url) }));
    });
    ws.on('unexpected-response', (request, response) => {
      fail(httpRefusal(what, response.statusCode ?? 0, response.headers['www-authenticate']));
      request.destroy();
    });
    ws.on('error', (error) => fail(httpError(what, error)));
  });
}

function clientTls(tls: DialWebSocketOptions['tls']): object {
  return tls === undefined ? {} : { ...tls, ...(tls.ca === undefined ? {} : { ca: [tls.ca].flat() }) };
}

function ignore(): void {}
