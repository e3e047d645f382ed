import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { PeerInfo } from '../../types.js';
import { isLoopback } from '../socket/addresses.js';
import type { RequestFacts } from './describe-request.js';
import { printUrl } from './http-options.js';

/** Who was dialled. A proxy between is not seen; the keys of its TLS are not those of the far side, so none are exported. */
export function dialledPeer(carrier: string, url: URL, socket: Socket): PeerInfo {
  return { carrier, address: printUrl(url), encrypted: socket instanceof TLSSocket, local: isLoopback(socket) };
}

/** Who was let in. */
export function acceptedPeer(
  carrier: string,
  { remoteAddress }: RequestFacts,
  socket: Socket,
  identity: unknown,
): PeerInfo {
  const peer = { carrier, address: remoteAddress, encrypted: socket instanceof TLSSocket, local: isLoopback(socket) };
  return identity === undefined ? peer : { ...peer, identity };
}
