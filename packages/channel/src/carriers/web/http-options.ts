import { CircuitError, type WaitOptions } from '@circuit/base';
import type { Resume } from '../../resume/options.js';
import type { SessionOptions } from '../../session/options.js';

/** Certificates of a dial over TLS, in PEM; handed to the runtime as they are. Not in browsers. */
export interface ClientTls {
  /** Authorities that are trusted instead of the system's. */
  readonly ca?: string | readonly string[] | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly passphrase?: string | undefined;
  /** The name that the other side's certificate must bear; default: the host of the address. */
  readonly servername?: string | undefined;
}

/** What every dial over HTTP takes. */
export interface DialHttpOptions extends WaitOptions {
  readonly url: string | URL;
  /**
   * Sent with the request, for `authenticate` at the other side or for a proxy. What is no header, and those that the
   * carrier says itself, are refused with `invalid` before anything is dialled. Not in browsers.
   */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly tls?: ClientTls | undefined;
  /** From the call to the session, proved if it is to prove a key; default 10,000. */
  readonly deadlineMs?: number | undefined;
  readonly session?: SessionOptions | undefined;
  /** Channels survive a broken connection; the listener must offer it. */
  readonly resume?: Resume | undefined;
}

/** `ws:`, `wss:`, or `http:` and `https:`, which mean the same. */
export type DialWebSocketOptions = DialHttpOptions;

/** A WebSocket message beyond this ends the session; ours are at most a frame and a staging buffer long. */
export const maxWebSocketMessageBytes = 1_048_576;

const webSocketSchemes: Readonly<Record<string, string>> = {
  'ws:': 'ws:',
  'wss:': 'wss:',
  'http:': 'ws:',
  'https:': 'wss:',
};

/** The address as WebSockets want it, without a fragment. Throws `invalid`. */
export function webSocketUrl(address: string | URL): URL {
  return parseAddress(address, webSocketSchemes, 'websocket');
}

/** `address` with its scheme replaced by what `schemes` names for it. Throws `invalid`. */
export function parseAddress(address: string | URL, schemes: Readonly<Record<string, string>>, carrier: string): URL {
  const text = String(address);
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const scheme = url === undefined ? undefined : schemes[url.protocol];
  if (url === undefined || scheme === undefined) {
    const known = Object.keys(schemes).map((name) => `${name}//`);
    const shown = url === undefined ? text : printUrl(url);
    throw new CircuitError('invalid', `dial ${carrier} ${shown}: want an address that begins with ${known.join(', ')}`);
  }
  url.hash = '';
  // The four schemes are of one kind to URL, which allows the change.
  url.protocol = scheme;
  return url;
}

/** An address for messages: user, password and query are secrets. */
export function printUrl(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}`;
}
