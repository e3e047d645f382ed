import { dialHttp2 } from '@circuit/channel/http2';
import { dialTcp } from '@circuit/channel/tcp';
import { dialTls } from '@circuit/channel/tls';
import { dialUnix } from '@circuit/channel/unix';
import { dialWebSocket } from '@circuit/channel/websocket';
import { identity, key } from './common.mjs';

/** A session to a far side of that kind. */
export function dial(kind, address) {
  if (kind === 'unix') return dialUnix({ path: address.path });
  if (kind === 'websocket') return dialWebSocket({ url: `ws://127.0.0.1:${address.port}` });
  if (kind === 'http2') return dialHttp2({ url: `http://127.0.0.1:${address.port}` });
  if (kind === 'wss') return dialWebSocket({ url: `wss://127.0.0.1:${address.port}`, tls: { ca: address.ca } });
  if (kind === 'http2-tls') return dialHttp2({ url: `https://127.0.0.1:${address.port}`, tls: { ca: address.ca } });
  if (kind === 'tls-certificates') {
    return dialTls({ host: '127.0.0.1', port: address.port, certificates: { ca: address.ca } });
  }
  if (kind.endsWith('tls')) return dialTls({ host: '127.0.0.1', port: address.port, psk: { identity, key } });
  const session = kind === 'tcp-asleep' ? { busyPollMs: 0 } : {};
  return dialTcp({ host: '127.0.0.1', port: address.port, resume: kind === 'tcp-resume', session });
}
