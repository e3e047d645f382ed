import { dialTcp } from '@circuit/channel/tcp';
import { dialTls } from '@circuit/channel/tls';
import { dialUnix } from '@circuit/channel/unix';
import { identity, key } from './common.mjs';

/** A session to a far side of that kind. */
export function dial(kind, address) {
  if (kind === 'unix') return dialUnix({ path: address.path });
  if (kind.endsWith('tls')) return dialTls({ host: '127.0.0.1', port: address.port, psk: { identity, key } });
  return dialTcp({ host: '127.0.0.1', port: address.port });
}
