/** 24.8 days: Node's timers take no more. */
const longestMs = 0x7fffffff;

export const defaultHandshakeMs = 10_000;

/** What Node's servers over TLS take for the time of a handshake, which may be `Infinity`. */
export function handshakeTimeout(handshakeMs: number = defaultHandshakeMs): number {
  return Math.min(handshakeMs, longestMs);
}
