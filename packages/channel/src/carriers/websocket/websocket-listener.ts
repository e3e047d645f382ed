import { createServer, type IncomingMessage, STATUS_CODES } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { Socket } from 'node:net';
import { systemClock } from '@circuit/base';
import { WebSocketServer } from 'ws';
import type { Resume } from '../../resume/options.js';
import { SessionDoor } from '../../resume/session-door.js';
import type { SessionOptions } from '../../session/options.js';
import { defaultHandshakeMs, handshakeTimeout } from '../handshake-timeout.js';
import { hostPort } from '../socket/addresses.js';
import type { Listener, OnSession, PortAddress } from '../socket/listener.js';
import { WaitingConnections } from '../socket/waiting-connections.js';
import { type Admission, type AdmissionOptions, Admitter } from '../web/authenticate.js';
import { describeRequest, type RequestFacts } from '../web/describe-request.js';
import { type Mounted, mountDoor, type ServerTls, serverTls, startHttpListener } from '../web/http-listener.js';
import { acceptedPeer } from '../web/http-peer.js';
import { mountUpgrade, type UpgradeServer } from './upgrades.js';
import { WebSocketCarrier } from './websocket-carrier.js';
import { isOriginAllowed } from './websocket-origin.js';
import { webSocketSettings, withStreamWindow } from './websocket-settings.js';

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
export type { UpgradeServer } from './upgrades.js';

export interface MountWebSocketOptions extends AdmissionOptions {
  /** Where sessions come in; default `/`. Compared without the query. */
  readonly path?: string | undefined;
  /**
   * Pages of which other sites may dial, such as `https://app.example:8443`; `any` allows all. Default: only pages that
   * came from the host and port they dial. Programs send no origin and are not asked.
   */
  readonly origins?: readonly string[] | 'any' | undefined;
  readonly session?: SessionOptions | undefined;
  /** Offers diallers to keep their sessions over a broken connection. */
  readonly resume?: Resume | undefined;
}

export interface ListenWebSocketOptions extends MountWebSocketOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Given: `wss:`; left out: `ws:`, plain text. */
  readonly tls?: ServerTls | undefined;
  /** How long a connection may be without a session; default 10,000. */
  readonly handshakeMs?: number | undefined;
}

/**
 * Takes sessions at a path of `server`, beside its routes and its other upgrade handlers. Time limits on the way to the
 * request are the server's own (`headersTimeout`). Throws `conflict` for a path that is taken.
 */
export function mountWebSocket(server: UpgradeServer, options: MountWebSocketOptions, onSession: OnSession): Mounted {
  return mountDoor(withStreamWindow(options), onSession, (path, door) =>
    mountUpgrade(server, path, new UpgradeGate(options, door).enter),
  );
}

/** Takes sessions on a port of its own. Every other request is answered by 426. */
export async function listenWebSocket(
  options: ListenWebSocketOptions,
  onSession: OnSession,
): Promise<Listener<PortAddress>> {
  const { host, port, session, tls, handshakeMs = defaultHandshakeMs } = options;
  const what = `listen websocket ${hostPort(host, port)}`;
  const waiting = new WaitingConnections({ clock: session?.clock ?? systemClock, handshakeMs });
  const server =
    tls === undefined
      ? createServer({ noDelay: true })
      : createSecureServer({ noDelay: true, handshakeTimeout: handshakeTimeout(handshakeMs), ...serverTls(tls, what) });
  server.on('request', (_request, response) => {
    response.writeHead(426, { Connection: 'Upgrade, close', Upgrade: 'websocket' }).end('WebSocket only\n');
  });
  const door = new SessionDoor({ ...withStreamWindow(options), onSession });
  const gate = new UpgradeGate(options, door, waiting);
  mountUpgrade(server, options.path ?? '/', gate.enter);
  return startHttpListener(server, options, what, waiting, door);
}

/** Lets upgrade requests in. */
class UpgradeGate {
  readonly #origins: readonly string[] | 'any';
  readonly #admitter: Admitter;
  readonly #door: SessionDoor;
  readonly #waiting: WaitingConnections | undefined;
  readonly #sockets = new WebSocketServer({ ...webSocketSettings, noServer: true, clientTracking: false });

  constructor(options: MountWebSocketOptions, door: SessionDoor, waiting?: WaitingConnections) {
    this.#origins = options.origins ?? [];
    this.#admitter = new Admitter(options, options.session?.clock ?? systemClock);
    this.#door = door;
    this.#waiting = waiting;
  }

  readonly enter = (request: IncomingMessage, socket: Socket, head: Buffer): void => {
    socket.on('error', ignore);
    void this.#enter(request, socket, head);
  };

  async #enter(request: IncomingMessage, socket: Socket, head: Buffer): Promise<void> {
    const known = describeRequest(request, socket);
    const admission = await this.#admit(known);
    if (!admission.admitted) {
      refuseUpgrade(socket, admission);
      return;
    }
    this.#sockets.handleUpgrade(request, socket, head, (ws) => {
      const peer = acceptedPeer('websocket', known, socket, admission.identity);
      this.#door.accept(new WebSocketCarrier(ws, socket, peer), this.#waiting?.begin(socket));
    });
  }

  #admit(known: RequestFacts): Admission | Promise<Admission> {
    if (isOriginAllowed(known.headers, this.#origins)) return this.#admitter.admit(known);
    const origin = known.headers.origin ?? '?';
    const text = `pages of ${origin} may not dial here; the listener's option origins can allow it`;
    return this.#admitter.refuse(known.remoteAddress, 403, text);
  }
}

/** An answer on a connection that left HTTP already. */
function refuseUpgrade(socket: Socket, { status, text, challenge }: Admission & { readonly admitted: false }): void {
  const body = `${text}\n`;
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    'Connection: close',
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...(challenge === undefined ? [] : [`WWW-Authenticate: ${challenge}`]),
  ];
  socket.once('finish', () => socket.destroy());
  socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`);
}

function ignore(): void {}
