import type { AddressInfo, Server, Socket } from 'node:net';
import type { SessionDoor } from '../../resume/session-door.js';
import type { PeerInfo, Session } from '../../types.js';
import { checkPlace, type PathAddress, type PortAddress } from './place.js';
import { SocketCarrier, type SocketExtras } from './socket-carrier.js';
import { socketError } from './socket-error.js';

export type { PathAddress, PortAddress } from './place.js';

/** A port or socket file where sessions come in. */
export interface Listener<Address extends PortAddress | PathAddress = PortAddress | PathAddress> {
  readonly address: Address;
  /** Takes no more connections and drops those that are no session yet; sessions go on, but can't resume. Idempotent. */
  close(): Promise<void>;
}

/** Called for each session that came in; owns it from then on. If it throws the session is ended and the exception is uncaught. */
export type OnSession = (session: Session) => void;

/** Begins to listen. Rejects with `conflict` for an address in use, `denied`, `invalid`. `door` closes with the listener. */
export async function startListener<Address extends PortAddress | PathAddress>(
  server: Server,
  options: Address,
  what: string,
  door?: SessionDoor,
): Promise<Listener<Address>> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  const address = await startListening<Address>(server, options, what);
  let closing: Promise<void> | undefined;
  return {
    address,
    close() {
      closing ??= new Promise<void>((resolve) => {
        server.close(() => undefined);
        door?.close();
        for (const socket of sockets) if (!owned.has(socket)) socket.destroy();
        resolve();
      });
      return closing;
    },
  };
}

/** Resolves to where `server` listens. Rejects with `conflict` for an address in use, `denied`, `invalid`. */
export function startListening<Address extends PortAddress | PathAddress>(
  server: Server,
  options: Address,
  what: string,
): Promise<Address> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error): void => reject(socketError(what, error));
    server.once('error', failed);
    const listening = (): void => {
      server.off('error', failed);
      // Errors of accepting (no more descriptors) must not end the process; the next accept may work.
      server.on('error', ignore);
      const bound = server.address() as AddressInfo | string;
      const address = typeof bound === 'string' ? { path: bound } : { host: bound.address, port: bound.port };
      resolve(address as PortAddress | PathAddress as Address);
    };
    checkPlace(what, options);
    server.listen({ ...options }, listening);
  });
}

const owned = new WeakSet<Socket>();

/** Brings an accepted connection to the door of its listener. */
export function acceptSession(
  door: SessionDoor,
  socket: Socket,
  raw: Socket,
  peer: PeerInfo,
  extras?: SocketExtras,
): void {
  owned.add(raw);
  door.accept(new SocketCarrier(socket, peer, extras));
}

function ignore(): void {}
