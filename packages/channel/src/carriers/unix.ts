import { connect, createServer } from 'node:net';
import { CircuitError, type WaitOptions } from '@circuit/base';
import { ChannelSession, type SessionOptions } from '../session/session.js';
import type { Session } from '../types.js';
import { connected } from './connect.js';
import { acceptSession, type Listener, type OnSession, startListener } from './listener.js';
import { SocketCarrier } from './socket-carrier.js';

export type { Listener, OnSession } from './listener.js';

export interface UnixOptions {
  /** At most 100 bytes: the system cuts longer ones at 108 without a word. */
  readonly path: string;
  readonly session?: SessionOptions;
}

const maxPathBytes = 100;

/** A session over a Unix socket; who may connect is up to the folder's mode. */
export async function dialUnix({ path, session, signal }: UnixOptions & WaitOptions): Promise<Session> {
  checkPath(path);
  const socket = connect({ path });
  await connected(socket, 'connect', `dial unix ${path}`, signal);
  return new ChannelSession(
    new SocketCarrier(socket, { carrier: 'unix', address: path, local: true }),
    'dialler',
    session,
  );
}

/** Takes sessions on a Unix socket. The file must not exist; it goes when the listener closes. */
export async function listenUnix({ path, session }: UnixOptions, onSession: OnSession): Promise<Listener> {
  checkPath(path);
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    acceptSession(socket, socket, { carrier: 'unix', address: path, local: true }, session, onSession);
  });
  return startListener(server, { path }, `listen unix ${path}`);
}

function checkPath(path: string): void {
  const bytes = Buffer.byteLength(path);
  if (bytes <= maxPathBytes) return;
  throw new CircuitError(
    'invalid',
    `unix socket ${path}: path of ${bytes} bytes, the limit is ${maxPathBytes}; choose a shorter folder`,
  );
}
