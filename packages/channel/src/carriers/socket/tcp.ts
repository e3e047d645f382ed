import { connect, createServer } from 'node:net';
import type { WaitOptions } from '@circuit/base';
import type { Resume } from '../../resume/options.js';
import { SessionDoor } from '../../resume/session-door.js';
import type { SessionOptions } from '../../session/options.js';
import type { Session } from '../../types.js';
import { dialInTime } from '../dial-in-time.js';
import { hostPort, isLoopback, remote } from './addresses.js';
import { connected } from './connect.js';
import { type Listener, type OnSession, type PortAddress, startListener } from './listener.js';
import { checkPlace } from './place.js';
import { ReadMemory, takeOver } from './read-memory.js';
import { SocketCarrier } from './socket-carrier.js';
import { WaitingConnections } from './waiting-connections.js';

export type { Listener, OnSession, PortAddress } from './listener.js';

/** Where to dial or listen. */
export interface TcpOptions {
  readonly host: string;
  /** 0 lets a listener take any free port. */
  readonly port: number;
  readonly session?: SessionOptions | undefined;
  /** Channels survive a broken connection. A dialler asks for it, a listener offers it. */
  readonly resume?: Resume | undefined;
}

/** How to dial. */
export interface DialTcpOptions extends TcpOptions, WaitOptions {
  /** From the call to the session, proved if it is to prove a key; default 10,000. */
  readonly deadlineMs?: number | undefined;
}

/**
 * A session over a plain TCP connection: no encryption, no proof of who is there. Rejects with `unreachable`, `timeout` at the
 * deadline, `invalid` for a port or options that cannot work.
 */
export async function dialTcp(options: DialTcpOptions): Promise<Session> {
  const { host, port } = options;
  const what = `dial tcp ${hostPort(host, port)}`;
  checkPlace(what, { host, port });
  const connectTcp = async (wait: WaitOptions): Promise<SocketCarrier> => {
    const memory = new ReadMemory();
    const socket = connect({ host, port, noDelay: true, ...memory.options });
    await connected(socket, 'connect', what, wait.signal);
    const peer = { carrier: 'tcp', address: hostPort(host, port), local: isLoopback(socket) };
    return new SocketCarrier(socket, peer, { memory });
  };
  return dialInTime(connectTcp, options, what);
}

/** Takes sessions on a TCP port. */
export async function listenTcp(
  { host, port, session, resume }: TcpOptions,
  onSession: OnSession,
): Promise<Listener<PortAddress>> {
  const door = new SessionDoor({ session, resume, onSession });
  const waiting = new WaitingConnections();
  const server = createServer({ noDelay: true, allowHalfOpen: true, pauseOnConnect: true }, (incoming) => {
    const { socket, memory } = takeOver(incoming);
    const peer = { carrier: 'tcp', address: remote(socket), local: isLoopback(socket) };
    waiting.add(socket);
    door.accept(new SocketCarrier(socket, peer, { memory }), waiting.begin(socket));
  });
  return startListener(server, { host, port }, `listen tcp ${hostPort(host, port)}`, waiting, door);
}
