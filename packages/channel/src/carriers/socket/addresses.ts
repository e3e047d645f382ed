import type { Socket } from 'node:net';

/** `host:port`, with brackets around an IPv6 address. */
export function hostPort(host: string, port: number): string {
  // A host that is no text is named as well, by who refuses it.
  return /:/.test(host) ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The other side's address. */
export function remote(socket: Socket): string {
  return hostPort(socket.remoteAddress ?? '?', socket.remotePort ?? 0);
}

/** Whether the other side is on this machine. */
export function isLoopback({ remoteAddress }: Socket): boolean {
  return remoteAddress !== undefined && /^(::ffff:)?127\.|^::1$/.test(remoteAddress);
}
