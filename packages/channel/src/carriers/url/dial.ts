import { throwIfAborted } from '@circuit/base';
import { whenProved } from '../../session/when-proved.js';
import type { Session } from '../../types.js';
import type { PortTarget } from '../message-port/message-port.js';
import { type Address, addressText, parseUrl } from './address.js';
import type { MemoryNetwork } from './memory-network.js';
import { checkOptions, type DialOptions } from './options.js';

/**
 * A session with whoever listens at `url`: `memory:NAME`, `worker:`, `unix:/PATH`, `tcp://HOST:PORT`, `tls://HOST:PORT`,
 * `ws:`, `wss:`, and `http:`, `https:` (HTTP/2, else a WebSocket). With `session.auth` it resolves when the listener has
 * proved the key. Of a `URL` its `href` is taken. The carrier's module is loaded when it is first used. Rejects with `invalid` for an address or options
 * that cannot work, `unreachable`, `denied`, `timeout`, or the reason of `signal`.
 */
export async function dial(url: string | URL, options: DialOptions = {}): Promise<Session> {
  const text = addressText(url);
  const address = parseUrl(text);
  checkOptions('dialler', text, address, options);
  throwIfAborted(options.signal);
  return dialAddress(address, options);
}

async function dialAddress(address: Address, options: DialOptions): Promise<Session> {
  const { signal, deadlineMs } = options;
  const common = {
    signal,
    ...(options.session === undefined ? {} : { session: options.session }),
    ...(options.resume === undefined ? {} : { resume: options.resume }),
  };
  const timed = deadlineMs === undefined ? common : { ...common, deadlineMs };
  switch (address.scheme) {
    case 'memory':
      return (options.memory as MemoryNetwork).dial(address.name, common);
    case 'worker': {
      const { dialWorker } = await import('../message-port/message-port.js');
      return whenProved(dialWorker(options.worker as PortTarget, { ...common, name: address.name }), common);
    }
    case 'unix': {
      const { dialUnix } = await import('../socket/unix.js');
      return dialUnix({ ...timed, path: address.path });
    }
    case 'tcp': {
      const { dialTcp } = await import('../socket/tcp.js');
      return dialTcp({ ...timed, host: address.host, port: address.port });
    }
    case 'tls': {
      const { dialTls } = await import('../tls/tls.js');
      const proof = options.tls as NonNullable<DialOptions['tls']>;
      return dialTls({ ...timed, host: address.host, port: address.port, ...proof });
    }
    case 'ws':
    case 'wss': {
      const { dialWebSocket } = await import('../websocket/websocket.js');
      return dialWebSocket({ ...timed, url: address.url, ...options.http });
    }
    case 'http':
    case 'https': {
      const { dialHttp } = await import('../http.js');
      return dialHttp({ ...timed, url: address.url, ...options.http });
    }
  }
}
