import { longestMs } from '@circuit/base';

export const defaultHandshakeMs = 10_000;

/** What Node's servers over TLS take for the time of a handshake, which may be `Infinity`. */
export function handshakeTimeout(handshakeMs: number = defaultHandshakeMs): number {
  return Math.min(handshakeMs, longestMs);
}
