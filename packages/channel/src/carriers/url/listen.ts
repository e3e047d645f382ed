import type { PortSource } from '../message-port/message-port.js';
import type { Listener, OnSession } from '../socket/listener.js';
import { type Address, addressText, parseUrl } from './address.js';
import type { MemoryNetwork } from './memory-network.js';
import { checkOptions, type ListenOptions } from './options.js';

/** Where sessions come in. */
export interface UrlListener {
  /** For `dial`: the address asked for, with the real port in place of 0. */
  readonly url: string;
  /** Takes no more sessions; those that came in go on. Idempotent. */
  close(): Promise<void>;
}

/**
 * Takes sessions at `url`, of the forms that `dial` knows; port 0 takes any free one. `http:` and `https:` take HTTP/2,
 * `ws:` and `wss:` WebSockets. `onSession` owns its session; with `session.auth` it is called for diallers alone that have
 * proved their key. Rejects with `invalid` for an address or options that cannot work, `conflict` for one that is in use.
 */
export async function listen(url: string | URL, options: ListenOptions, onSession: OnSession): Promise<UrlListener> {
  const text = addressText(url);
  const address = parseUrl(text);
  checkOptions('listener', text, address, options);
  return listenAt(text, address, options, onSession);
}

async function listenAt(
  url: string,
  address: Address,
  options: ListenOptions,
  onSession: OnSession,
): Promise<UrlListener> {
  const { session, resume, handshakeMs } = options;
  const common = { ...(session === undefined ? {} : { session }), ...(resume === undefined ? {} : { resume }) };
  const timed = handshakeMs === undefined ? common : { ...common, handshakeMs };
  switch (address.scheme) {
    case 'memory': {
      const stop = (options.memory as MemoryNetwork).listen(address.name, onSession, session);
      return {
        url,
        close() {
          stop();
          return Promise.resolve();
        },
      };
    }
    case 'worker': {
      const { listenWorker } = await import('../message-port/message-port.js');
      const named = { ...common, name: address.name };
      const listener = listenWorker(options.worker as PortSource, onSession, named);
      return { url, close: () => listener.close() };
    }
    case 'unix': {
      const { listenUnix } = await import('../socket/unix.js');
      return at(url, await listenUnix({ ...common, path: address.path }, onSession));
    }
    case 'tcp': {
      const { listenTcp } = await import('../socket/tcp.js');
      return at(url, await listenTcp({ ...common, host: address.host, port: address.port }, onSession));
    }
    case 'tls': {
      const { listenTls } = await import('../tls/tls.js');
      const proof = options.tls as NonNullable<ListenOptions['tls']>;
      return at(url, await listenTls({ ...timed, host: address.host, port: address.port, ...proof }, onSession));
    }
    case 'ws':
    case 'wss': {
      const { listenWebSocket } = await import('../websocket/websocket-listener.js');
      return at(url, await listenWebSocket({ ...timed, ...place(address), ...options.http }, onSession));
    }
    case 'http':
    case 'https': {
      const { listenHttp2 } = await import('../http2/http2-listener.js');
      return at(url, await listenHttp2({ ...timed, ...place(address), ...options.http }, onSession));
    }
  }
}

function place({ url, host, port }: { readonly url: URL; readonly host: string; readonly port: number }): {
  host: string;
  port: number;
  path: string;
} {
  return { host, port, path: url.pathname };
}

function at(url: string, listener: Listener): UrlListener {
  const bound = listener.address;
  const real = 'port' in bound ? url.replace(/:0(?=$|[/?])/, `:${bound.port}`) : url;
  return { url: real, close: () => listener.close() };
}
