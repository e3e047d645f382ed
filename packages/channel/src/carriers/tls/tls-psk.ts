import { constants } from 'node:crypto';
import type { ConnectionOptions, TLSSocket, TlsOptions } from 'node:tls';
import { CircuitError, checkFunction, toCircuitError } from '@circuit/base';
import type { TlsProof } from './tls-proof.js';

/** A secret that both sides know: TLS 1.3 external PSK (RFC 8446, 4.2.11) with an ephemeral X25519 exchange. */
export interface PreSharedKey {
  /** Travels in clear; tells the listener which key is meant. ≤ 128 bytes. */
  readonly identity: string;
  /** Exactly 32 bytes, derived from a long random secret. */
  readonly key: Uint8Array;
}

/** The 32 bytes for an identity; `undefined` refuses it. Synchronous. */
export type PskFor = (identity: string) => Uint8Array | undefined;

const keyBytes = 32;
/** OpenSSL cuts or refuses longer ones, depending on its version. */
const maxIdentityBytes = 128;
const ciphers = 'TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256';

/** Throws `invalid` for a key that cannot work. */
export function dialByPsk({ identity, key }: PreSharedKey): TlsProof<ConnectionOptions> {
  checkKey(key);
  checkIdentity(identity);
  return {
    settings: {
      ciphers,
      // No authority is trusted: a server that answers with a certificate instead of the key must fail.
      ca: [],
      pskCallback: () => ({ identity, psk: key }),
      checkServerIdentity: () => undefined,
    },
    check: (socket) =>
      socket.getProtocol() !== 'TLSv1.3' || Object.keys(socket.getPeerCertificate()).length > 0
        ? 'the other side did not prove the key'
        : { identity },
    explain: () => 'the other side does not accept this key, or does not speak TLS',
  };
}

/** `onRefused` hears of identities whose key cannot be had. Throws `invalid` for what is no function. */
export function acceptByPsk(pskFor: PskFor, onRefused: (reason: string) => void): TlsProof<TlsOptions> {
  checkFunction('pskFor', pskFor);
  const identities = new WeakMap<TLSSocket, string>();
  // What the owner's callback throws must not reach OpenSSL's: any stranger could end the process by naming that identity.
  const keyFor = (identity: string): Uint8Array | undefined => {
    try {
      const key = pskFor(identity);
      if (key !== undefined) checkKey(key);
      return key;
    } catch (error) {
      onRefused(`identity ${identity}: ${toCircuitError(error).message}`);
      return undefined;
    }
  };
  return {
    settings: {
      ciphers,
      // A ticket would let a client in again after its key was removed.
      secureOptions: constants.SSL_OP_NO_TICKET,
      pskCallback(socket, identity) {
        const key = keyFor(identity);
        if (key !== undefined) identities.set(socket, identity);
        return key ?? null;
      },
    },
    check(socket) {
      const identity = identities.get(socket);
      return identity === undefined ? 'no key was proved' : { identity };
    },
    explain: (detail) => detail,
  };
}

function checkKey(key: Uint8Array): void {
  if (key.length === keyBytes) return;
  throw new CircuitError('invalid', `pre-shared key of ${key.length} bytes, want exactly ${keyBytes}`);
}

function checkIdentity(identity: string): void {
  const bytes = Buffer.byteLength(identity);
  if (bytes >= 1 && bytes <= maxIdentityBytes) return;
  throw new CircuitError('invalid', `identity of a pre-shared key of ${bytes} bytes, want 1 to ${maxIdentityBytes}`);
}
