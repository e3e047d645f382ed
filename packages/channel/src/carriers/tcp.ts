import { connect, createServer, type Socket } from 'node:net';
import type { WaitOptions } from '@circuit/base';
import { ChannelSession, type SessionOptions } from '../session/session.js';
import type { Session } from '../types.js';
import { connected } from './connect.js';
import { acceptSession, type Listener, type OnSession, startListener } from './listener.js';
import { SocketCarrier } from './socket-carrier.js';

export type { Listener, OnSession } from './listener.js';

export interface TcpOptions {
  readonly host: string;
  /** 0 lets a listener take any free port. */
  readonly port: number;
  readonly session?: SessionOptions;
}

/** A session over a plain TCP connection: no encryption, no proof of who is there. */
export async function dialTcp({ host, port, session, signal }: TcpOptions & WaitOptions): Promise<Session> {
  const socket = connect({ host, port, noDelay: true });
  await connected(socket, 'connect', `dial tcp ${hostPort(host, port)}`, signal);
  return new ChannelSession(
    new SocketCarrier(socket, { carrier: 'tcp', address: hostPort(host, port), local: isLoopback(socket) }),
    'dialler',
    session,
  );
}

/** Takes sessions on a TCP port. */
export function listenTcp({ host, port, session }: TcpOptions, onSession: OnSession): Promise<Listener> {
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
    const peer = { carrier: 'tcp', address: remote(socket), local: isLoopback(socket) };
    acceptSession(socket, socket, peer, session, onSession);
  });
  return startListener(server, { host, port }, `listen tcp ${hostPort(host, port)}`);
}

/** `host:port`, with brackets around an IPv6 address. */
export function hostPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The other side's address. */
export function remote(socket: Socket): string {
  return hostPort(socket.remoteAddress ?? '?', socket.remotePort ?? 0);
}

/** Whether the other side is on this machine. */
export function isLoopback({ remoteAddress }: Socket): boolean {
  return remoteAddress !== undefined && /^(::ffff:)?127\.|^::1$/.test(remoteAddress);
}
