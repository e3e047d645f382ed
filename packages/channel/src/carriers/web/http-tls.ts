import type { ClientTls } from './http-options.js';

/** As Node's connections take it. */
export function clientTls(tls: ClientTls | undefined): object {
  return tls === undefined ? {} : { ...tls, ...(tls.ca === undefined ? {} : { ca: [tls.ca].flat() }) };
}
