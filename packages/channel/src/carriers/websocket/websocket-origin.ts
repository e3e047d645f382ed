import type { IncomingHttpHeaders } from 'node:http';

/**
 * Whether a page may dial here. Browsers send cookies and reach the loopback for any page, and ask nobody before they
 * open a WebSocket: without this check every site could (RFC 6455, 10.2).
 */
export function isOriginAllowed({ origin, host }: IncomingHttpHeaders, origins: readonly string[] | 'any'): boolean {
  if (origin === undefined || origins === 'any' || origins.includes(origin)) return true;
  return host !== undefined && URL.canParse(origin) && new URL(origin).host === host.toLowerCase();
}
