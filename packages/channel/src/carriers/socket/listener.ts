import type { AddressInfo, Server } from 'node:net';
import type { SessionDoor } from '../../resume/session-door.js';
import type { Session } from '../../types.js';
import { checkPlace, type PathAddress, type PortAddress } from './place.js';
import { socketError } from './socket-error.js';
import type { WaitingConnections } from './waiting-connections.js';

export type { PathAddress, PortAddress } from './place.js';

/** A port or socket file where sessions come in. */
export interface Listener<Address extends PortAddress | PathAddress = PortAddress | PathAddress> {
  readonly address: Address;
  /** Takes no more connections and drops those that are no session yet; sessions go on, but can't resume. Idempotent. */
  close(): Promise<void>;
}

/** Called for each session that came in; owns it from then on. If it throws the session is ended and the exception is uncaught. */
export type OnSession = (session: Session) => void;

/** Begins to listen. Rejects with `conflict` for an address in use, `denied`, `invalid`. `waiting` and `door` close with the listener. */
export async function startListener<Address extends PortAddress | PathAddress>(
  server: Server,
  options: Address,
  what: string,
  waiting: WaitingConnections,
  door: SessionDoor,
): Promise<Listener<Address>> {
  const address = await startListening<Address>(server, options, what);
  return {
    address,
    close() {
      server.close();
      waiting.close();
      door.close();
      return Promise.resolve();
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

function ignore(): void {}
