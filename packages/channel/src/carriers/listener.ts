import type { AddressInfo, ListenOptions, Server, Socket } from 'node:net';
import type { SessionDoor } from '../resume/session-door.js';
import type { Lane } from '../session/lane.js';
import type { PeerInfo, Session } from '../types.js';
import { SocketCarrier } from './socket-carrier.js';
import { socketError } from './socket-error.js';

/** A port or socket file where sessions come in. */
export interface Listener {
  /** Where it listens; the real port if 0 was asked for. */
  readonly address: { readonly host: string; readonly port: number } | { readonly path: string };
  /** Takes no more connections and drops those that are no session yet; sessions go on, but can't resume. Idempotent. */
  close(): Promise<void>;
}

/** Called for each session that came in; owns it from then on. */
export type OnSession = (session: Session) => void;

/** Begins to listen. Rejects with `conflict` for an address in use, `denied`, `invalid`. `door` closes with the listener. */
export async function startListener(
  server: Server,
  options: ListenOptions,
  what: string,
  door?: SessionDoor,
): Promise<Listener> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(socketError(what, error)));
    server.listen(options, () => {
      server.removeAllListeners('error');
      // Errors of accepting (no more descriptors) must not end the process; the next accept may work.
      server.on('error', ignore);
      resolve();
    });
  });
  const bound = server.address() as AddressInfo | string;
  let closing: Promise<void> | undefined;
  return {
    address: typeof bound === 'string' ? { path: bound } : { host: bound.address, port: bound.port },
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

const owned = new WeakSet<Socket>();

/** Brings an accepted connection to the door of its listener. */
export function acceptSession(door: SessionDoor, socket: Socket, raw: Socket, peer: PeerInfo, lane?: Lane): void {
  owned.add(raw);
  door.accept(new SocketCarrier(socket, peer, { lane }));
}

function ignore(): void {}
