import type { CircuitError, Clock } from '@circuit/base';
import type { PeerInfo, Session } from '../types.js';
import type { ReadAuth } from './hello.js';
import type { SessionLimits } from './limits.js';
import type { Role } from './table.js';

/**
 * How both sides of a session prove in band who they are; `keyAuth` of `@circuit/channel/auth` makes it. A value rather than
 * options, so that a page that does not authenticate does not load what it takes.
 */
export interface Authenticator {
  /** Throws `invalid` for what cannot work in this role. @internal */
  check(role: Role): void;
  /** Begins the authentication of one session; throws like `check`. @internal */
  begin(host: AuthHost): Authentication;
  /** Reads its fields in the peer's HELLO. @internal */
  readonly readHello: ReadAuth;
  /** `session` once its peer has proved who it is; refused or given up it is ended. @internal */
  proved<S extends Session>(session: S, signal: AbortSignal | undefined): Promise<S>;
}

/** The authentication of one session: takes its bytes until it calls `proved` or `refuse` of its host. */
export interface Authentication {
  /** Its fields in this side's HELLO. */
  readonly hello: Uint8Array;
  /** Why nothing must be proved on this carrier. */
  readonly fault: CircuitError | undefined;
  /** The payload of the HELLO that was written. */
  greeted(payload: Uint8Array): void;
  /** Keeps no views into `chunk`. */
  receive(chunk: Uint8Array): void;
  stop(): void;
}

/** The session that wants a proof. */
export interface AuthHost {
  readonly role: Role;
  readonly peer: PeerInfo;
  readonly limits: SessionLimits;
  readonly clock: Clock;
  writeMac(type: number, mac: Uint8Array): void;
  /** The peer holds the key of `identity`; `bytes` are the session's from here on. */
  proved(identity: string, bytes: readonly Uint8Array[]): void;
  /** `said`: what the peer is told, nothing if it is the peer who ended. */
  refuse(reason: CircuitError, said: CircuitError | undefined): void;
}
