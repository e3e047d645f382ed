import type { Key, KeyRight } from './key.js';

/**
 * An external pre-shared key for TLS 1.3 (RFC 8446, sections 2.2 and 4.2.11): 32 bytes for a SHA-256 cipher suite. The
 * identity travels in the clear; it names the right and the key's public id, so the listener knows both before any byte.
 */
export interface Psk {
  readonly identity: string;
  readonly right: KeyRight;
  readonly keyId: string;
  readonly key: Uint8Array;
}

/** What a dialler with `key` presents. */
export function pskFor(key: Key): Psk {
  return { identity: pskIdentity(key), right: key.right, keyId: key.id, key: key.derive('tls') };
}

/**
 * What a listener with `key` takes: a full key admits its own holders and those of the read-only key that follows from
 * it, a read-only key only the latter. Derived once, looked up by {@link findPsk} for each connection.
 */
export function acceptedPsks(key: Key): readonly Psk[] {
  return key.right === 'full' ? [pskFor(key), pskFor(key.readOnly())] : [pskFor(key)];
}

/** The one of `accepted` with `identity`, which came from outside; `undefined` for every other. */
export function findPsk(accepted: readonly Psk[], identity: string): Psk | undefined {
  return accepted.find((psk) => psk.identity === identity);
}

function pskIdentity(key: Key): string {
  return `circuit/1 ${key.right} ${key.id}`;
}
