import { CircuitError } from '@circuit/base';
import { hkdfSync, randomBytes } from 'node:crypto';

/** What a key allows its holder: everything, or to look. */
export type KeyRight = 'full' | 'read-only';

/**
 * What a secret is derived for. `gossip` exists for a full key only; `discovery` is the same for both rights of one
 * cluster; `auth` is for proofs where the carrier cannot authenticate; `tls` is the pre-shared key of TLS.
 */
export type Purpose = 'gossip' | 'discovery' | 'auth' | 'tls';

/** Bounds of a key's secret in bytes; what we make has {@link generatedKeyBytes}. */
export const keyBytes: { readonly least: number; readonly most: number } = { least: 32, most: 1024 };

/** How many random bytes a generated key has. */
export const generatedKeyBytes = 64;

/**
 * A key of a cluster. From the full key follows the read-only key and from that the secret for discovery, each by
 * HKDF-SHA256 (RFC 5869) under a label of its own, never back. The secret shows neither in a log nor in JSON.
 */
export class Key {
  readonly right: KeyRight;
  /** Names the key in public: 16 hexadecimal digits, from which nothing follows about the secret. */
  readonly id: string;
  readonly #secret: Uint8Array;

  /** Copies `secret`, which must come from a CSPRNG. Throws `invalid` if its length is out of {@link keyBytes}. */
  constructor(right: KeyRight, secret: Uint8Array) {
    if (secret.length < keyBytes.least || secret.length > keyBytes.most)
      throw new CircuitError(
        'invalid',
        `key has ${secret.length} bytes: use ${keyBytes.least} to ${keyBytes.most} random bytes`,
        { detail: 'key-length' },
      );
    this.right = right;
    this.#secret = Uint8Array.from(secret);
    this.id = Buffer.from(hkdf(this.#secret, `${right} id`, 8)).toString('hex');
  }

  /** The key that may look but not act; a read-only key gives itself. */
  readOnly(): Key {
    return this.right === 'read-only' ? this : new Key('read-only', hkdf(this.#secret, 'read-only', 32));
  }

  /** 32 secret bytes for `purpose`. Throws `denied` for `gossip` of a read-only key. */
  derive(purpose: Purpose): Uint8Array {
    switch (purpose) {
      case 'gossip':
        if (this.right !== 'full')
          throw new CircuitError('denied', `key ${this.id} is read-only: a server needs the full key`, {
            detail: 'read-only-key',
          });
        return hkdf(this.#secret, 'gossip', 32);
      case 'discovery':
        return hkdf(this.readOnly().#secret, 'discovery', 32);
      case 'auth':
      case 'tls':
        return hkdf(this.#secret, `${this.right} ${purpose}`, 32);
    }
  }

  /** A copy of the secret, for the key file only. */
  secret(): Uint8Array {
    return Uint8Array.from(this.#secret);
  }

  toString(): string {
    return `${this.right} key ${this.id}`;
  }

  toJSON(): string {
    return this.toString();
  }
}

/** A new full key from the system's CSPRNG. */
export function generateKey(): Key {
  return new Key('full', randomBytes(generatedKeyBytes));
}

/** HKDF-SHA256 with an empty salt: the input is uniformly random, so the extract step needs none (RFC 5869, section 3.1). */
function hkdf(secret: Uint8Array, label: string, length: number): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', secret, new Uint8Array(0), `circuit/1 ${label}`, length));
}
