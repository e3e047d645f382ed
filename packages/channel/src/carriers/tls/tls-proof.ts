import type { TLSSocket } from 'node:tls';
import type { CertificateInfo } from '../../types.js';

/** Who was found at the other end of a TLS connection. */
export interface Proved {
  readonly identity?: string;
  readonly certificate?: CertificateInfo;
}

/** One way to know who is at the other end. */
export interface TlsProof<Settings> {
  readonly settings: Settings;
  /** Who it is, once TLS is agreed; a string says why nobody was proved. */
  check(socket: TLSSocket): Proved | string;
  /** What went wrong, for a person; `detail` is the name that Node or OpenSSL has for it. */
  explain(detail: string): string;
}
