import { abortError, CircuitError, deadline, linkSignals, systemClock, toCircuitError } from '@circuit/base';
import type { Carrier } from '../session/carrier.js';
import type { Session } from '../types.js';
import { defaultDeadlineMs } from './dial-deadline.js';
import { dialInTime } from './dial-in-time.js';
import { connectHttp2, http2Url } from './http2/http2.js';
import { type DialHttpOptions, printUrl, webSocketUrl } from './web/http-options.js';
import { requestHeaders } from './web/request-headers.js';
import { connectWebSocket } from './websocket/websocket.js';

export type { ClientTls, DialHttpOptions } from './web/http-options.js';

/**
 * A session at `http:` or `https:`: over HTTP/2 if that works, else over a WebSocket over HTTP/1, both within one
 * deadline, of which HTTP/2 may use half (a proxy that holds the request back until its end would use it all). A refusal
 * (`denied`: 401, 403, a certificate) is final; any other failure is an error that names both attempts.
 */
export async function dialHttp(options: DialHttpOptions): Promise<Session> {
  const url = http2Url(options.url);
  const what = `dial ${printUrl(url)}`;
  const request = { ...options, headers: requestHeaders(url, options.headers, what) };
  return dialInTime((wait) => connectEither(url, request, what, wait.signal), options, what);
}

async function connectEither(
  url: URL,
  options: DialHttpOptions,
  what: string,
  signal: AbortSignal | undefined,
): Promise<Carrier> {
  const { deadlineMs = defaultDeadlineMs, session } = options;
  const half = deadline(session?.clock ?? systemClock, deadlineMs / 2, 'HTTP/2');
  const linked = linkSignals(signal, half.signal);
  let first: CircuitError;
  try {
    return await connectHttp2(url, options, 'HTTP/2', linked.signal);
  } catch (error) {
    first = toCircuitError(error);
  } finally {
    linked.dispose();
    half.dispose();
  }
  if (signal?.aborted) throw both(what, abortError(signal), first, 'WebSocket: not tried');
  if (first.code === 'denied') throw said(what, first, first.message);
  try {
    return await connectWebSocket(webSocketUrl(url), options, 'WebSocket', signal);
  } catch (error) {
    const second = toCircuitError(error);
    throw second.code === 'denied' ? said(what, second, second.message) : both(what, second, first, second.message);
  }
}

function both(what: string, error: CircuitError, first: CircuitError, second: string): CircuitError {
  return said(what, error, `${first.message}; ${second}`);
}

function said(what: string, error: CircuitError, message: string): CircuitError {
  const { code, detail, retryable } = error;
  return new CircuitError(code, `${what}: ${message}`, {
    cause: error,
    retryable,
    ...(detail === undefined ? {} : { detail }),
  });
}
