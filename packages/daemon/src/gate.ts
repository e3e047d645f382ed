import { CircuitError } from '@circuit/base';
import type { Session, SessionOptions } from '@circuit/channel';
import { dialTcp, type Listener, listenTcp, type PortAddress } from '@circuit/channel/tcp';
import { dialTls, listenTls } from '@circuit/channel/tls';
import { acceptedPsks, findPsk, type Key, pskFor } from '@circuit/keys';
import { orThrow, parseAddress } from '@circuit/protocol';
import type { Refusals } from './refusals.js';
import { type Caller, callerOf } from './session/caller.js';

/** How this server speaks to others over the network. */
export interface Gate {
  /** Takes sessions on a port, each with what its key allows. */
  listen(at: PortAddress, onSession: OnSession): Promise<Listener<PortAddress>>;
  /** Dials another server. */
  dial(address: string, options: { readonly signal: AbortSignal }): Promise<Session>;
}

/** Whatever goes through a server ends with its session: nothing comes home to it. */
export const serverSession: SessionOptions = { home: false };

type OnSession = (session: Session, caller: Caller) => void;

/** Every connection proves the key, or the read-only key that follows from it, and is encrypted. */
export function keyGate(key: Key, refusals: Refusals): Gate {
  const accepted = acceptedPsks(key);
  const psk = pskFor(key);
  return {
    listen: ({ host, port }, onSession) =>
      listenTls(
        {
          host,
          port,
          session: serverSession,
          pskFor: (name) => findPsk(accepted, name)?.key,
          onRefused: (address, reason) => refusals.add(address, reason),
        },
        (session) => {
          const { identity } = session.peer;
          const proved = typeof identity === 'string' ? findPsk(accepted, identity) : undefined;
          if (proved === undefined) session.abort(new CircuitError('denied', 'no key was proved'));
          else onSession(session, callerOf(session.peer, proved.right === 'full' ? 'act' : 'read', proved.keyId));
        },
      ),
    dial: (address, { signal }) => dialTls({ ...hostAndPort(address), psk, signal, session: serverSession }),
  };
}

/** Nobody proves anything and nothing is encrypted: whoever connects may do everything. */
export function openGate(): Gate {
  return {
    listen: (at, onSession) =>
      listenTcp({ ...at, session: serverSession }, (session) => onSession(session, callerOf(session.peer, 'act'))),
    dial: (address, { signal }) => dialTcp({ ...hostAndPort(address), signal, session: serverSession }),
  };
}

function hostAndPort(text: string): { readonly host: string; readonly port: number } {
  const address = orThrow(parseAddress(text));
  if (address.type === 'tcp') return { host: address.host, port: address.port };
  throw new CircuitError(
    'unsupported',
    `${text}: servers speak to each other over the network, not over a socket file`,
  );
}
