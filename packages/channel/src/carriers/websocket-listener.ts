import { createServer, type IncomingMessage, STATUS_CODES } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { Socket } from 'node:net';
import { systemClock } from '@circuit/base';
import { WebSocketServer } from 'ws';
import { ChannelSession, type SessionOptions } from '../session/session.js';
import { type Admission, type AdmissionOptions, Admitter } from './authenticate.js';
import { describeRequest } from './describe-request.js';
import { type Mounted, type ServerTls, serverTls, startHttpListener } from './http-listener.js';
import type { Listener, OnSession } from './listener.js';
import { mountUpgrade, type UpgradeServer } from './upgrades.js';
import { WaitingConnections } from './waiting-connections.js';
import { WebSocketCarrier } from './websocket-carrier.js';
import { isOriginAllowed } from './websocket-origin.js';
import { webSocketSettings } from './websocket-settings.js';

export type {
  AdmissionOptions,
  Authenticate,
  Authentication,
  AuthenticationRequest,
  Refusal,
} from './authenticate.js';
export type { Mounted, ServerTls } from './http-listener.js';
export type { Listener, OnSession } from './listener.js';
export type { UpgradeServer } from './upgrades.js';

export interface MountWebSocketOptions extends AdmissionOptions {
  /** Where sessions come in; default `/`. Compared without the query. */
  readonly path?: string;
  /**
   * Pages of which other sites may dial, such as `https://app.example:8443`; `any` allows all. Default: only pages that
   * came from the host and port they dial. Programs send no origin and are not asked.
   */
  readonly origins?: readonly string[] | 'any';
  readonly session?: SessionOptions;
}

export interface ListenWebSocketOptions extends MountWebSocketOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Given: `wss:`; left out: `ws:`, plain text. */
  readonly tls?: ServerTls;
  /** How long a connection may be without a session; default 10,000. */
  readonly handshakeMs?: number;
}

/**
 * Takes sessions at a path of `server`, beside its routes and its other upgrade handlers. Time limits on the way to the
 * request are the server's own (`headersTimeout`). Throws `conflict` for a path that is taken.
 */
export function mountWebSocket(server: UpgradeServer, options: MountWebSocketOptions, onSession: OnSession): Mounted {
  const gate = new UpgradeGate(options, onSession);
  return mountUpgrade(server, options.path ?? '/', (request, socket, head) => void gate.enter(request, socket, head));
}

/** Takes sessions on a port of its own. Every other request is answered by 426. */
export function listenWebSocket(options: ListenWebSocketOptions, onSession: OnSession): Promise<Listener> {
  const { session, tls, handshakeMs = 10_000 } = options;
  const waiting = new WaitingConnections(session?.clock ?? systemClock, handshakeMs);
  const server =
    tls === undefined
      ? createServer({ noDelay: true })
      : createSecureServer({ noDelay: true, handshakeTimeout: handshakeMs, ...serverTls(tls) });
  server.on('request', (_request, response) => {
    response.writeHead(426, { Connection: 'Upgrade, close', Upgrade: 'websocket' }).end('WebSocket only\n');
  });
  const gate = new UpgradeGate(options, onSession, (socket) => waiting.release(socket));
  mountUpgrade(server, options.path ?? '/', (request, socket, head) => void gate.enter(request, socket, head));
  return startHttpListener(server, options, 'websocket', waiting);
}

/** Makes sessions of upgrade requests. */
class UpgradeGate {
  readonly #options: MountWebSocketOptions;
  readonly #admitter: Admitter;
  readonly #onSession: OnSession;
  readonly #begun: (socket: Socket) => void;
  readonly #sockets = new WebSocketServer({ ...webSocketSettings, noServer: true, clientTracking: false });

  constructor(options: MountWebSocketOptions, onSession: OnSession, begun: (socket: Socket) => void = ignore) {
    this.#options = options;
    this.#admitter = new Admitter(options, options.session?.clock ?? systemClock);
    this.#onSession = onSession;
    this.#begun = begun;
  }

  async enter(request: IncomingMessage, socket: Socket, head: Buffer): Promise<void> {
    socket.on('error', ignore);
    const admission = await this.#admit(request);
    if (!admission.admitted) {
      refuseUpgrade(socket, admission);
      return;
    }
    this.#sockets.handleUpgrade(request, socket, head, (ws) => {
      const { remoteAddress } = describeRequest(request, socket);
      const identity = admission.identity === undefined ? {} : { identity: admission.identity };
      const peer = { carrier: 'websocket', address: remoteAddress, ...identity };
      this.#begun(socket);
      this.#onSession(new ChannelSession(new WebSocketCarrier(ws, socket, peer), 'listener', this.#options.session));
    });
  }

  async #admit(request: IncomingMessage): Promise<Admission> {
    const description = describeRequest(request, request.socket);
    const { origins = [] } = this.#options;
    if (!isOriginAllowed(request.headers, origins)) {
      const text = `pages of ${request.headers.origin ?? '?'} may not dial here; the listener's option origins can allow it`;
      return this.#admitter.refuse(description.remoteAddress, 403, text);
    }
    return this.#admitter.admit(description);
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
