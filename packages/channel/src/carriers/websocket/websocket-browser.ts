import { abortError, CircuitError, onAbort, systemClock, type WaitOptions } from '@circuit/base';
import { checkSessionOptions } from '../../session/check-options.js';
import { ChannelSession } from '../../session/session.js';
import { whenProved } from '../../session/when-proved.js';
import type { Session } from '../../types.js';
import { withinDeadline } from '../dial-deadline.js';
import { type DialWebSocketOptions, printUrl, webSocketUrl } from '../web/http-options.js';
import { type BrowserWebSocket, BrowserWebSocketCarrier } from './websocket-browser-carrier.js';

export type { ClientTls, DialWebSocketOptions } from '../web/http-options.js';

type Opener = new (url: string) => BrowserWebSocket;

/**
 * A session over the WebSocket of the browser. Rejects with `unsupported` for headers and certificates, which a browser
 * does not let a page choose, with `unreachable` for every failure (a browser does not tell a refusal from a dead host),
 * `timeout` at the deadline.
 */
export async function dialWebSocket(options: DialWebSocketOptions): Promise<Session> {
  const url = webSocketUrl(options.url);
  const what = `dial websocket ${printUrl(url)}`;
  checkPossible(options, url, what);
  const opener = (globalThis as { WebSocket?: Opener }).WebSocket;
  if (opener === undefined) throw new CircuitError('unsupported', `${what}: no WebSocket here`);
  const peer = { carrier: 'websocket', address: printUrl(url), encrypted: url.protocol === 'wss:' };
  const clock = options.session?.clock ?? systemClock;
  const connect = (wait: WaitOptions): Promise<BrowserWebSocketCarrier> =>
    opened(new opener(url.href), what, wait.signal, (socket) => new BrowserWebSocketCarrier(socket, peer, clock));
  const { resume, session } = options;
  checkSessionOptions(session, 'dialler');
  return withinDeadline(options, what, async (signal) => {
    const wait = { session, resume, signal };
    if (resume === undefined || resume === false)
      return whenProved(new ChannelSession(await connect(wait), 'dialler', session), wait);
    // A page that does not ask for it does not load it.
    const { dialSession } = await import('../../resume/dial-session.js');
    return dialSession(connect, wait);
  });
}

function checkPossible({ headers, tls }: DialWebSocketOptions, url: URL, what: string): void {
  if (Object.keys(headers ?? {}).length > 0 || url.username !== '' || url.password !== '') {
    throw new CircuitError(
      'unsupported',
      `${what}: a browser cannot add headers; use a cookie or a token in the address`,
    );
  }
  if (tls !== undefined) {
    throw new CircuitError('unsupported', `${what}: a browser cannot take tls options`);
  }
}

/** Waits for the socket to be open; `make` runs in the same task, before anything can arrive. */
function opened<T>(
  socket: BrowserWebSocket,
  what: string,
  signal: AbortSignal | undefined,
  make: (socket: BrowserWebSocket) => T,
): Promise<T> {
  return new Promise((resolve, reject) => {
    socket.binaryType = 'arraybuffer';
    // Says nothing that the close behind it does not say; where sockets are emitters, unheard it would end the process.
    socket.onerror = () => undefined;
    const finish = (): void => {
      release();
      socket.onopen = null;
      socket.onclose = null;
    };
    const release = onAbort(signal, () => {
      finish();
      socket.close();
      reject(abortError(signal as AbortSignal));
    });
    socket.onopen = () => {
      finish();
      resolve(make(socket));
    };
    socket.onclose = () => {
      finish();
      const hint = 'nobody there, refused or another path';
      reject(new CircuitError('unreachable', `${what}: no WebSocket; ${hint}`, { retryable: true }));
    };
  });
}
