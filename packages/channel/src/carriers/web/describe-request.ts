import type { IncomingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { remote } from '../socket/addresses.js';
import type { AuthenticationRequest } from './authenticate.js';

/** All but the time that the answer has. */
export type RequestFacts = Omit<AuthenticationRequest, 'signal'>;

interface Head {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly headers: IncomingHttpHeaders;
}

/** What `authenticate` is told of a request and the connection it came on. */
export function describeRequest({ method, url, headers }: Head, socket: Socket): RequestFacts {
  const request = { method: method ?? '', path: url ?? '', headers, remoteAddress: remote(socket) };
  if (!(socket instanceof TLSSocket)) return request;
  const peerCertificate = socket.getPeerCertificate();
  if (Object.keys(peerCertificate).length === 0) return request;
  return { ...request, peerCertificate, authorized: socket.authorized };
}
