import {
  createSecureServer,
  createServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import { type Clock, systemClock } from '@circuit/base';
import type { Resume } from '../../resume/options.js';
import { SessionDoor } from '../../resume/session-door.js';
import type { SessionOptions } from '../../session/options.js';
import { defaultHandshakeMs, handshakeTimeout } from '../handshake-timeout.js';
import { hostPort } from '../socket/addresses.js';
import type { Listener, OnSession, PortAddress } from '../socket/listener.js';
import { WaitingConnections } from '../socket/waiting-connections.js';
import { type AdmissionOptions, Admitter } from '../web/authenticate.js';
import { describeRequest } from '../web/describe-request.js';
import { type Mounted, mountDoor, type ServerTls, serverTls, startHttpListener } from '../web/http-listener.js';
import { acceptedPeer } from '../web/http-peer.js';
import { channelType, Http2Carrier, windowBytes } from './http2-carrier.js';
import { mountStream, refuseStream, type StreamServer } from './http2-streams.js';

export type { OnRefused } from '../on-refused.js';
export type { Listener, OnSession, PortAddress } from '../socket/listener.js';
export type {
  AdmissionOptions,
  Authenticate,
  Authentication,
  AuthenticationRequest,
  Refusal,
} from '../web/authenticate.js';
export type { Mounted, ServerTls } from '../web/http-listener.js';
export type { StreamServer } from './http2-streams.js';

export interface MountHttp2Options extends AdmissionOptions {
  /** Where sessions come in; default `/`. Compared without the query. */
  readonly path?: string | undefined;
  readonly session?: SessionOptions | undefined;
  /** Offers diallers to keep their sessions over a broken connection. */
  readonly resume?: Resume | undefined;
}

export interface ListenHttp2Options extends MountHttp2Options {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Given: HTTP/2 over TLS; left out: plain text, for diallers and proxies that know (h2c). */
  readonly tls?: ServerTls | undefined;
  /** How long a connection may be without a session; default 10,000. */
  readonly handshakeMs?: number | undefined;
}

/** Streams of one connection at once: a proxy may bring the sessions of many. */
export const maxStreams = 256;

/**
 * Takes sessions at a path of `server`, beside its other routes, on its port. Its windows grow on connections that carry
 * sessions. Throws `conflict` for a path that is taken.
 */
export function mountHttp2(server: StreamServer, options: MountHttp2Options, onSession: OnSession): Mounted {
  return mountDoor(options, onSession, (path, door) => mountStream(server, path, new StreamGate(options, door).enter));
}

/** Takes sessions on a port of its own. Every other request is answered by 404. */
export async function listenHttp2(options: ListenHttp2Options, onSession: OnSession): Promise<Listener<PortAddress>> {
  const { host, port, session, tls, handshakeMs = defaultHandshakeMs } = options;
  const what = `listen http2 ${hostPort(host, port)}`;
  const waiting = new WaitingConnections({ clock: session?.clock ?? systemClock, handshakeMs });
  const settings = { initialWindowSize: windowBytes, maxConcurrentStreams: maxStreams };
  const server =
    tls === undefined
      ? createServer({ settings })
      : createSecureServer({ settings, handshakeTimeout: handshakeTimeout(handshakeMs), ...serverTls(tls, what) });
  const door = new SessionDoor({ ...options, onSession });
  const gate = new StreamGate(options, door, waiting);
  mountStream(server, options.path ?? '/', gate.enter);
  // What is wrong with one connection is that connection's matter.
  server.on('sessionError', ignore);
  return startHttpListener(server, options, what, waiting, door);
}

/** Lets streams in. */
class StreamGate {
  readonly #clock: Clock;
  readonly #admitter: Admitter;
  readonly #door: SessionDoor;
  readonly #waiting: WaitingConnections | undefined;
  /** Connections whose windows have grown, with the number of their sessions. */
  readonly #sessions = new WeakMap<ServerHttp2Session, number>();

  constructor(options: MountHttp2Options, door: SessionDoor, waiting?: WaitingConnections) {
    this.#clock = options.session?.clock ?? systemClock;
    this.#admitter = new Admitter(options, this.#clock);
    this.#door = door;
    this.#waiting = waiting;
  }

  readonly enter = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void => {
    stream.on('error', ignore);
    void this.#enter(stream, headers);
  };

  async #enter(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Promise<void> {
    const connection = stream.session;
    if (connection === undefined || connection.destroyed) return;
    // Node hands out a proxy, which refuses what would disturb HTTP/2.
    const socket = connection.socket;
    const known = describeRequest({ method: headers[':method'], url: headers[':path'], headers }, socket);
    const admission = await this.#admitter.admit(known);
    if (!admission.admitted) {
      refuseStream(stream, admission.status, admission.text, admission.challenge);
      return;
    }
    if (stream.destroyed || stream.closed) return;
    this.#count(connection as ServerHttp2Session, stream);
    const heard = this.#waiting?.begin(socket);
    stream.respond({ ':status': 200, 'content-type': channelType, 'cache-control': 'no-store' });
    const peer = acceptedPeer('http2', known, socket, admission.identity);
    this.#door.accept(new Http2Carrier(stream, peer, this.#clock), heard);
  }

  #count(connection: ServerHttp2Session, stream: ServerHttp2Stream): void {
    const before = this.#sessions.get(connection);
    if (before === undefined) {
      connection.setLocalWindowSize(windowBytes);
      if (this.#waiting === undefined) connection.settings({ initialWindowSize: windowBytes });
    }
    this.#sessions.set(connection, (before ?? 0) + 1);
    stream.once('close', () => {
      const left = (this.#sessions.get(connection) ?? 1) - 1;
      this.#sessions.set(connection, left);
      if (left === 0 && !connection.destroyed) this.#waiting?.idle(connection.socket, () => connection.close());
    });
  }
}

function ignore(): void {}
