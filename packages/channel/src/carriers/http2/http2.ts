import { type ClientHttp2Session, type ClientHttp2Stream, connect as connectOver, constants } from 'node:http2';
import { connect as connectPlain, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { abortError, CircuitError, type Clock, onAbort, systemClock } from '@circuit/base';
import type { Session } from '../../types.js';
import { dialInTime } from '../dial-in-time.js';
import { connected } from '../socket/connect.js';
import { httpError, httpRefusal } from '../web/http-error.js';
import { type DialHttpOptions, parseAddress, printUrl } from '../web/http-options.js';
import { dialledPeer } from '../web/http-peer.js';
import { clientTls } from '../web/http-tls.js';
import { requestHeaders } from '../web/request-headers.js';
import { knowSocket } from './connection-watch.js';
import { channelType, Http2Carrier, lingerMs, windowBytes } from './http2-carrier.js';

export type { ClientTls, DialHttpOptions } from '../web/http-options.js';
export {
  type AdmissionOptions,
  type Authenticate,
  type Authentication,
  type AuthenticationRequest,
  type Listener,
  type ListenHttp2Options,
  listenHttp2,
  type Mounted,
  type MountHttp2Options,
  mountHttp2,
  type OnRefused,
  type OnSession,
  type Refusal,
  type ServerTls,
  type StreamServer,
} from './http2-listener.js';

/** `http:` (with prior knowledge, RFC 9113, 3.3) or `https:`. */
export type DialHttp2Options = DialHttpOptions;

/**
 * A session in one stream of an HTTP/2 connection, which is made for it and ends with it. Rejects with `denied` for a
 * refusal (401, 403), `not-found` for a path where nobody listens, `unreachable`, `timeout` at the deadline, `protocol`
 * for a server without HTTP/2 or another answer.
 */
export async function dialHttp2(options: DialHttp2Options): Promise<Session> {
  const url = http2Url(options.url);
  const what = `dial http2 ${printUrl(url)}`;
  const request = { ...options, headers: requestHeaders(url, options.headers, what) };
  return dialInTime((wait) => connectHttp2(url, request, what, wait.signal), options, what);
}

/**
 * Throws `invalid` for an address of another kind.
 * @internal
 */
export function http2Url(address: string | URL): URL {
  return parseAddress(address, { 'http:': 'http:', 'https:': 'https:' }, 'http2');
}

/**
 * The carrier of a session; `what` stands in front of its errors. The headers are those of `requestHeaders`.
 * @internal
 */
export async function connectHttp2(
  url: URL,
  options: DialHttp2Options,
  what: string,
  signal: AbortSignal | undefined,
): Promise<Http2Carrier> {
  const socket = await open(url, options, what, signal);
  if (signal?.aborted) {
    socket.on('error', ignore);
    socket.destroy();
    throw abortError(signal);
  }
  const peer = dialledPeer('http2', url, socket);
  const connection = connectOver(url, {
    createConnection: () => socket,
    settings: { initialWindowSize: windowBytes, enablePush: false },
  });
  knowSocket(connection);
  // Who gives up may have destroyed it by then, and a throw in here would end the process.
  connection.on('connect', () => {
    if (!connection.destroyed) connection.setLocalWindowSize(windowBytes);
  });
  const stream = connection.request(
    { ...options.headers, ':method': 'POST', ':path': `${url.pathname}${url.search}`, 'content-type': channelType },
    { endStream: false },
  );
  await accepted(connection, stream, what, signal);
  const clock = options.session?.clock ?? systemClock;
  endWith(stream, connection, clock);
  return new Http2Carrier(stream, peer, clock);
}

/** The connection below: ours, so that its failures are told in our words. */
async function open(
  url: URL,
  { tls }: DialHttp2Options,
  what: string,
  signal: AbortSignal | undefined,
): Promise<Socket> {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (url.protocol === 'http:') {
    const port = Number(url.port || 80);
    return connected(connectPlain({ host, port, noDelay: true }), 'connect', what, signal);
  }
  const socket = connectTls({
    host,
    port: Number(url.port || 443),
    // Servers that know only HTTP/1 answer to this with HTTP/1; offered `h2` alone some hang up without a word.
    ALPNProtocols: ['h2', 'http/1.1'],
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...clientTls(tls),
  });
  socket.setNoDelay(true);
  try {
    await connected(socket, 'secureConnect', what, signal);
  } catch (error) {
    // The cause of a dial that was given up is the caller's, and no fault of the connection.
    const given = signal?.aborted === true || !(error instanceof CircuitError);
    throw !given && error.cause instanceof Error ? httpError(what, error.cause) : error;
  }
  if (socket.alpnProtocol === 'h2') return socket;
  socket.on('error', ignore);
  socket.destroy();
  throw new CircuitError('protocol', `${what}: the server does not speak HTTP/2`);
}

/** Waits for the answer that begins a session; on any other the connection is over. */
function accepted(
  connection: ClientHttp2Session,
  stream: ClientHttp2Stream,
  what: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: CircuitError): void => {
      release();
      reject(error);
      connection.destroy();
    };
    const release = onAbort(signal, () => fail(abortError(signal as AbortSignal)));
    const failed = (error: Error): void => fail(httpError(what, error));
    const hungUp = (): void =>
      fail(new CircuitError('unreachable', `${what}: the other side hung up`, { retryable: true }));
    connection.on('error', failed);
    stream.on('error', failed);
    stream.on('close', hungUp);
    stream.on('response', (headers) => {
      const status = headers[':status'] ?? 0;
      if (status !== 200) {
        fail(httpRefusal(what, status, headers['www-authenticate']));
        return;
      }
      if (headers['content-type'] !== channelType) {
        fail(new CircuitError('protocol', `${what}: the answer is not that of a listener for sessions`));
        return;
      }
      release();
      connection.off('error', failed);
      // What ends the connection ends its stream, and that tells the session.
      connection.on('error', ignore);
      stream.off('error', failed);
      stream.off('close', hungUp);
      resolve();
    });
  });
}

/** The connection was made for `stream` and ends with it, at the latest after the time for a goodbye. */
function endWith(stream: ClientHttp2Stream, connection: ClientHttp2Session, clock: Clock): void {
  stream.once('close', () => {
    const timer = clock.after(lingerMs, () => connection.destroy());
    connection.once('close', () => timer.cancel());
    if (stream.rstCode === constants.NGHTTP2_NO_ERROR) connection.close();
    else connection.destroy();
  });
}

function ignore(): void {}
