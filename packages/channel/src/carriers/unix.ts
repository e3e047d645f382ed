import { connect, createServer } from 'node:net';
import { CircuitError, type WaitOptions } from '@circuit/base';
import { dialSession } from '../resume/dial-session.js';
import type { Resume } from '../resume/options.js';
import { SessionDoor } from '../resume/session-door.js';
import type { SessionOptions } from '../session/session.js';
import type { Session } from '../types.js';
import { connected } from './connect.js';
import { acceptSession, type Listener, type OnSession, startListener } from './listener.js';
import { SocketCarrier } from './socket-carrier.js';

export type { Listener, OnSession } from './listener.js';

export interface UnixOptions {
  /** At most 100 bytes: the system cuts longer ones at 108 without a word. */
  readonly path: string;
  readonly session?: SessionOptions;
  /** Channels survive a broken connection. A dialler asks for it, a listener offers it. */
  readonly resume?: Resume;
}

const maxPathBytes = 100;

/** A session over a Unix socket; who may connect is up to the folder's mode. */
export async function dialUnix({ path, session, resume, signal }: UnixOptions & WaitOptions): Promise<Session> {
  checkPath(path);
  const connectUnix = async (wait: WaitOptions): Promise<SocketCarrier> => {
    const socket = connect({ path });
    await connected(socket, 'connect', `dial unix ${path}`, wait.signal);
    return new SocketCarrier(socket, { carrier: 'unix', address: path, local: true });
  };
  return dialSession(connectUnix, { session, resume, signal });
}

/** Takes sessions on a Unix socket. The file must not exist; it goes when the listener closes. */
export async function listenUnix({ path, session, resume }: UnixOptions, onSession: OnSession): Promise<Listener> {
  checkPath(path);
  const door = new SessionDoor({ session, resume, onSession });
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    acceptSession(door, socket, socket, { carrier: 'unix', address: path, local: true });
  });
  return startListener(server, { path }, `listen unix ${path}`, door);
}

function checkPath(path: string): void {
  const bytes = Buffer.byteLength(path);
  if (bytes <= maxPathBytes) return;
  throw new CircuitError(
    'invalid',
    `unix socket ${path}: path of ${bytes} bytes, the limit is ${maxPathBytes}; choose a shorter folder`,
  );
}
