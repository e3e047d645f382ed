import { CircuitError } from '@circuit/base';
import type { Role } from '../session/table.js';
import type { PeerInfo } from '../types.js';

interface AuthBounds {
  /** How long the handshake may take; then the session ends with `timeout`. Default 10,000. */
  readonly handshakeMs?: number | undefined;
  /**
   * Also on a carrier that neither encrypts nor stays on this machine, such as behind a proxy that ends TLS elsewhere: who can
   * change bytes on that way can take over a session that has been proved.
   */
  readonly allowPlaintext?: boolean | undefined;
}

/** What the dialler proves. */
export interface DialAuth extends AuthBounds {
  /** Names the key to the listener; 1 to 255 bytes of UTF-8. */
  readonly identity: string;
  /** 32 to 1,024 random bytes that the listener knows as well; a password is no key. */
  readonly key: Uint8Array;
}

/** What the listener accepts. */
export interface ListenAuth extends AuthBounds {
  /** The key for an identity; `undefined` refuses it. What it throws refuses it as well. */
  readonly keyFor: (identity: string) => Uint8Array | undefined | Promise<Uint8Array | undefined>;
}

/** What {@link keyAuth} takes: of who dials, or of who listens. */
export type AuthOptions = DialAuth | ListenAuth;

export const minKeyBytes = 32;
export const maxKeyBytes = 1024;
/** The longest name of a key. */
export const maxIdentityBytes = 255;
export const defaultHandshakeMs = 10_000;

/** Throws `invalid` for what cannot work in this role. */
export function checkAuth(role: Role, auth: AuthOptions): void {
  const ms = auth.handshakeMs ?? defaultHandshakeMs;
  if (!(ms > 0)) throw new CircuitError('invalid', `auth.handshakeMs: ${ms}, want a positive number`);
  if (role === 'listener') {
    if ('keyFor' in auth && typeof auth.keyFor === 'function') return;
    throw new CircuitError('invalid', 'auth: a listener wants {keyFor}; {identity, key} is for who dials');
  }
  if (!('key' in auth)) {
    throw new CircuitError('invalid', 'auth: a dialler wants {identity, key}; {keyFor} is for who listens');
  }
  const bytes = typeof auth.identity === 'string' ? new TextEncoder().encode(auth.identity).length : 0;
  if (bytes < 1 || bytes > maxIdentityBytes) {
    throw new CircuitError('invalid', `auth.identity of ${bytes} bytes, want 1 to ${maxIdentityBytes}`);
  }
  const fault = keyFault(auth.key);
  if (fault !== undefined) throw new CircuitError('invalid', `auth.key: ${fault}`);
}

/** What is wrong with a key. */
export function keyFault(key: Uint8Array): string | undefined {
  if (!(key instanceof Uint8Array)) return `${typeof key}, want a Uint8Array of ${minKeyBytes} to ${maxKeyBytes} bytes`;
  if (key.length >= minKeyBytes && key.length <= maxKeyBytes) return undefined;
  return `${key.length} bytes, want ${minKeyBytes} to ${maxKeyBytes}`;
}

/** Why a key must not be proved over this carrier. */
export function carrierFault({ encrypted, local, carrier, address }: PeerInfo, auth: AuthOptions): string | undefined {
  if (encrypted === true || local === true || auth.allowPlaintext === true) return undefined;
  return `${carrier} ${address}: authentication needs a carrier that is encrypted or stays on the machine`;
}
