import { constants } from 'node:crypto';
import { isIP } from 'node:net';
import { type ConnectionOptions, createSecureContext, type TLSSocket, type TlsOptions } from 'node:tls';
import { CircuitError, toCircuitError } from '@circuit/base';
import type { CertificateInfo } from '../../types.js';
import type { Proved, TlsProof } from './tls-proof.js';

/** PEM text or its bytes; several certificates may stand in one. */
export type Pem = string | Uint8Array;

/** How a dialler knows its listener, and shows who it is itself. */
export interface DialCertificates {
  /** The authorities that may have signed the listener's certificate; default: those of Node. */
  readonly ca?: Pem | readonly Pem[] | undefined;
  /** Our own certificate, with those between it and the authority; for listeners that ask for one. */
  readonly cert?: Pem | undefined;
  readonly key?: Pem | undefined;
  /** The name that the listener's certificate must bear; default: the host. */
  readonly servername?: string | undefined;
}

/** What a listener shows, and what it asks for. */
export interface ListenCertificates {
  /** Our certificate, with those between it and the authority. */
  readonly cert: Pem;
  readonly key: Pem;
  /** Diallers must show a certificate that one of `ca` has signed. Default false: everybody gets in. */
  readonly requestCert?: boolean | undefined;
  readonly ca?: Pem | readonly Pem[] | undefined;
}

/** Verified always, also where `NODE_TLS_REJECT_UNAUTHORIZED` says otherwise. Throws `invalid`. */
export function dialByCertificate({ ca, cert, key, servername }: DialCertificates): TlsProof<ConnectionOptions> {
  if ((cert === undefined) !== (key === undefined)) {
    throw new CircuitError('invalid', 'tls certificates: cert and key belong together, one is missing');
  }
  return {
    settings: {
      ...pems({ ca, cert, key }),
      // A name for which the certificate is checked; an address cannot be asked for, but it can be checked.
      ...(servername === undefined || isIP(servername) !== 0 ? {} : { servername }),
      rejectUnauthorized: true,
    },
    check: (socket) =>
      socket.authorized ? proved(socket) : explain(String(socket.authorizationError), 'the listener'),
    explain: (detail) => explain(detail, 'the listener'),
  };
}

/** Throws `invalid` for what cannot work. */
export function acceptByCertificate({ cert, key, requestCert, ca }: ListenCertificates): TlsProof<TlsOptions> {
  if (requestCert === true && (ca === undefined || [ca].flat().length === 0)) {
    throw new CircuitError('invalid', 'tls certificates: requestCert needs the ca that signs the diallers');
  }
  if ((cert as unknown) === undefined || (key as unknown) === undefined)
    throw new CircuitError('invalid', 'tls certificates: a listener needs cert and key, one is missing');
  return {
    settings: {
      ...pems({ ca, cert, key }),
      // A ticket would let a dialler in again after its certificate has expired or its authority was removed.
      secureOptions: constants.SSL_OP_NO_TICKET,
      requestCert: requestCert === true,
      // `check` refuses; Node would only cut the connection, and the dialler could not tell why.
      rejectUnauthorized: false,
    },
    check(socket) {
      if (requestCert !== true) return {};
      if (socket.getPeerX509Certificate() === undefined) return 'the listener asks for a certificate, none was shown';
      return socket.authorized ? proved(socket) : explain(String(socket.authorizationError), 'the dialler');
    },
    explain: (detail) => explain(detail, 'the dialler'),
  };
}

/** Throws `invalid` for certificates and keys that OpenSSL cannot read, or that do not belong together; its own error is the cause. */
export function checkContext(what: string, settings: object): void {
  try {
    createSecureContext(settings);
  } catch (cause) {
    throw new CircuitError('invalid', `${what}: ${toCircuitError(cause).message}`, { cause });
  }
}

function proved(socket: TLSSocket): Proved {
  const certificate = certificateInfo(socket);
  return certificate === undefined ? {} : { identity: certificate.subject, certificate };
}

function certificateInfo(socket: TLSSocket): CertificateInfo | undefined {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return undefined;
  return {
    subject: certificate.subject.split('\n').join(', '),
    fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
  };
}

const unknownIssuer = 'certificate is signed by an authority that this side does not trust';
const words: Readonly<Record<string, string>> = {
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: unknownIssuer,
  UNABLE_TO_GET_ISSUER_CERT: unknownIssuer,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: unknownIssuer,
  SELF_SIGNED_CERT_IN_CHAIN: unknownIssuer,
  CERT_SIGNATURE_FAILURE: unknownIssuer,
  DEPTH_ZERO_SELF_SIGNED_CERT: 'certificate has signed itself',
  CERT_HAS_EXPIRED: 'certificate has expired',
  CERT_NOT_YET_VALID: 'certificate is not valid yet',
  INVALID_PURPOSE: 'certificate is not for this purpose',
  ERR_TLS_CERT_ALTNAME_INVALID: 'certificate is for another name',
};

function explain(detail: string, whose: string): string {
  const known = words[detail];
  return known === undefined ? `TLS was not agreed (${detail})` : `${whose}'s ${known}`;
}

type TlsPem = string | Buffer;

function pems({
  ca,
  cert,
  key,
}: {
  ca?: Pem | readonly Pem[] | undefined;
  cert?: Pem | undefined;
  key?: Pem | undefined;
}): {
  ca?: TlsPem[];
  cert?: TlsPem;
  key?: TlsPem;
} {
  const read = {
    ...(ca === undefined ? {} : { ca: [ca].flat().map((one) => pem(one)) }),
    ...(cert === undefined ? {} : { cert: pem(cert) }),
    ...(key === undefined ? {} : { key: pem(key) }),
  };
  checkContext('tls certificates', read);
  return read;
}

function pem(text: Pem): TlsPem {
  if (typeof text === 'string') return text;
  if (!((text as unknown) instanceof Uint8Array))
    throw new CircuitError('invalid', `tls certificates: PEM of type ${typeof text}, want text or a Uint8Array`);
  return Buffer.from(text.buffer, text.byteOffset, text.byteLength);
}
