import type { Server, Socket } from 'node:net';
import { SessionDoor, type SessionDoorOptions } from '../../resume/session-door.js';
import { type Listener, type OnSession, type PortAddress, startListener } from '../socket/listener.js';
import type { WaitingConnections } from '../socket/waiting-connections.js';
import { checkContext } from '../tls/tls-certificates.js';

/** Certificate of a listener, in PEM. */
export interface ServerTls {
  readonly cert: string;
  readonly key: string;
  readonly passphrase?: string | undefined;
  /** Authorities for the certificates of clients. */
  readonly ca?: string | readonly string[] | undefined;
  /** Ask clients for a certificate; `authenticate` sees it. */
  readonly requestCert?: boolean | undefined;
  /** Drop clients whose certificate is missing or not trusted; default: as `requestCert`. */
  readonly rejectUnauthorized?: boolean | undefined;
}

/** As Node's servers take it. Throws `invalid` for what OpenSSL cannot read. */
export function serverTls(
  { ca, requestCert = false, rejectUnauthorized = requestCert, ...rest }: ServerTls,
  what: string,
): object {
  const context = { ...rest, ...(ca === undefined ? {} : { ca: [ca].flat() }) };
  checkContext(`${what}: tls`, context);
  return { ...context, requestCert, rejectUnauthorized };
}

/** A path of somebody else's server where sessions come in. */
export interface Mounted {
  /** Takes no more sessions; those that came in go on, and the server with them. Idempotent. */
  close(): void;
}

interface MountOptions extends Omit<SessionDoorOptions, 'onSession'> {
  readonly path?: string | undefined;
}

/** Lets sessions in through a door of their own, to which `route` leads from a path of somebody else's server. */
export function mountDoor(
  options: MountOptions,
  onSession: OnSession,
  route: (path: string, door: SessionDoor) => Mounted,
): Mounted {
  const door = new SessionDoor({ ...options, onSession });
  const mounted = route(options.path ?? '/', door);
  return {
    close() {
      mounted.close();
      door.close();
    },
  };
}

/** Begins to listen with a server of our own, whose connections wait in `waiting` for their session. */
export function startHttpListener(
  server: Server,
  address: PortAddress,
  what: string,
  waiting: WaitingConnections,
  door: SessionDoor,
): Promise<Listener<PortAddress>> {
  server.on('connection', (socket: Socket) => {
    socket.setNoDelay(true);
    waiting.add(socket);
  });
  const { host, port } = address;
  return startListener(server, { host, port }, what, waiting, door);
}
