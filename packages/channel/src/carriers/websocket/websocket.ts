import type { Socket } from 'node:net';
import { abortError, onAbort } from '@circuit/base';
import { WebSocket } from 'ws';
import type { Carrier } from '../../session/carrier.js';
import type { Session } from '../../types.js';
import { dialInTime } from '../dial-in-time.js';
import { httpError, httpRefusal } from '../web/http-error.js';
import { type DialWebSocketOptions, printUrl, webSocketUrl } from '../web/http-options.js';
import { dialledPeer } from '../web/http-peer.js';
import { clientTls } from '../web/http-tls.js';
import { requestHeaders } from '../web/request-headers.js';
import { WebSocketCarrier } from './websocket-carrier.js';
import { webSocketSettings, withStreamWindow } from './websocket-settings.js';

export type { ClientTls, DialWebSocketOptions } from '../web/http-options.js';

/**
 * A session over a WebSocket, by the library `ws`; in browsers the same import is the one over their own WebSocket.
 * Rejects with `denied` for a refusal (401, 403), `not-found` for a path where nobody listens, `unreachable`,
 * `timeout` at the deadline, `protocol` for an answer that is no WebSocket.
 */
export async function dialWebSocket(options: DialWebSocketOptions): Promise<Session> {
  const url = webSocketUrl(options.url);
  const what = `dial websocket ${printUrl(url)}`;
  const request = { ...options, headers: requestHeaders(url, options.headers, what) };
  return dialInTime((wait) => connectWebSocket(url, request, what, wait.signal), withStreamWindow(options), what);
}

/**
 * The carrier of a session; `what` stands in front of its errors. The headers are those of `requestHeaders`.
 * @internal
 */
export function connectWebSocket(
  url: URL,
  { headers, tls }: DialWebSocketOptions,
  what: string,
  signal: AbortSignal | undefined,
): Promise<Carrier> {
  return new Promise((resolve, reject) => {
    const ws = new WebSocket(url, { ...webSocketSettings, ...clientTls(tls), headers: { ...headers } });
    let socket: Socket | undefined;
    const fail = (error: unknown): void => {
      release();
      reject(error);
      ws.removeAllListeners();
      ws.on('error', ignore);
      ws.terminate();
    };
    const release = onAbort(signal, () => fail(abortError(signal as AbortSignal)));
    ws.on('upgrade', (response) => {
      socket = response.socket;
    });
    ws.on('open', () => {
      release();
      ws.removeAllListeners();
      // Made here, not behind a promise: `ws` would lose what arrives until then.
      resolve(new WebSocketCarrier(ws, socket as Socket, dialledPeer('websocket', url, socket as Socket)));
    });
    ws.on('unexpected-response', (request, response) => {
      fail(httpRefusal(what, response.statusCode ?? 0, response.headers['www-authenticate']));
      request.destroy();
    });
    ws.on('error', (error) => fail(httpError(what, error)));
  });
}

function ignore(): void {}
