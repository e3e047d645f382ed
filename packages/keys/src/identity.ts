import { CircuitError } from '@circuit/base';
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  randomBytes,
  sign as signBytes,
  verify as verifyBytes,
} from 'node:crypto';

/** The lengths of Ed25519 (RFC 8032, section 5.1). */
export const ed25519Bytes: { readonly seed: number; readonly publicKey: number; readonly signature: number } = {
  seed: 32,
  publicKey: 32,
  signature: 64,
};

// The DER around a bare seed and a bare public key (RFC 8410): Node takes no raw bytes.
const seedHeader = Buffer.from('302e020100300506032b657004220420', 'hex');
const publicHeader = Buffer.from('302a300506032b6570032100', 'hex');

/**
 * Who a server is: an Ed25519 key (RFC 8032). Its id, the first name of its paths, follows from the public key, so that
 * nobody can claim it without the private one.
 */
export class ServerIdentity {
  /** `X` and 16 hexadecimal digits. */
  readonly id: string;
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  readonly #privateKey: KeyObject;
  readonly #seed: Uint8Array;

  /** Throws `invalid` unless `seed` has 32 bytes; they must come from a CSPRNG. */
  constructor(seed: Uint8Array) {
    if (seed.length !== ed25519Bytes.seed)
      throw new CircuitError('invalid', `server key has ${seed.length} bytes: it needs ${ed25519Bytes.seed}`);
    this.#seed = Uint8Array.from(seed);
    this.#privateKey = createPrivateKey({ key: Buffer.concat([seedHeader, seed]), format: 'der', type: 'pkcs8' });
    const spki = createPublicKey(this.#privateKey).export({ format: 'der', type: 'spki' });
    this.publicKey = Uint8Array.from(spki.subarray(publicHeader.length));
    this.id = serverIdOf(this.publicKey);
  }

  /** A new one from the system's CSPRNG. */
  static generate(): ServerIdentity {
    return new ServerIdentity(randomBytes(ed25519Bytes.seed));
  }

  /** Signs `bytes` for one use, named by `context`: a signature for one context is worthless in another. */
  sign(context: string, bytes: Uint8Array): Uint8Array {
    return new Uint8Array(signBytes(null, inContext(context, bytes), this.#privateKey));
  }

  /** A copy of the secret seed, for the state folder only. */
  seed(): Uint8Array {
    return Uint8Array.from(this.#seed);
  }

  toString(): string {
    return this.id;
  }

  toJSON(): string {
    return this.id;
  }
}

/** The id of the server that holds `publicKey`: `X` and the first 64 bits of its SHA-256. */
export function serverIdOf(publicKey: Uint8Array): string {
  return `X${createHash('sha256').update(publicKey).digest('hex').slice(0, 16)}`;
}

/** Whether `signature` over `bytes` in `context` was made with the key behind `publicKey`. Anything malformed is false. */
export function verify(publicKey: Uint8Array, context: string, bytes: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== ed25519Bytes.publicKey || signature.length !== ed25519Bytes.signature) return false;
  try {
    const key = createPublicKey({ key: Buffer.concat([publicHeader, publicKey]), format: 'der', type: 'spki' });
    return verifyBytes(null, inContext(context, bytes), key, signature);
  } catch {
    return false;
  }
}

/** The context, NUL (which no context holds), the bytes. */
function inContext(context: string, bytes: Uint8Array): Uint8Array {
  if (context.includes('\0')) throw new CircuitError('invalid', 'signature context holds NUL: leave it out');
  return Buffer.concat([Buffer.from(`circuit/1 ${context}\0`), bytes]);
}
