import { CircuitError } from '@circuit/base';

/** Where a session is dialled or taken in. */
export type Address =
  | { readonly scheme: 'memory' | 'worker'; readonly name: string }
  | { readonly scheme: 'unix'; readonly path: string }
  | { readonly scheme: 'tcp' | 'tls'; readonly host: string; readonly port: number }
  | {
      readonly scheme: 'ws' | 'wss' | 'http' | 'https';
      readonly url: URL;
      readonly host: string;
      readonly port: number;
    };

/** The schemes that `dial` and `listen` know. */
export type Scheme = 'memory' | 'worker' | 'unix' | 'tcp' | 'tls' | 'ws' | 'wss' | 'http' | 'https';

const forms: Readonly<Record<Scheme, string>> = {
  memory: 'memory:NAME',
  worker: 'worker:[NAME]',
  unix: 'unix:/PATH',
  tcp: 'tcp://HOST:PORT',
  tls: 'tls://HOST:PORT',
  ws: 'ws://HOST[:PORT][/PATH]',
  wss: 'wss://HOST[:PORT][/PATH]',
  http: 'http://HOST[:PORT][/PATH]',
  https: 'https://HOST[:PORT][/PATH]',
};

const maxShown = 200;

/** The text of an address, which of a `URL` is its `href`. Throws `invalid` for what is neither. */
export function addressText(address: unknown): string {
  if (typeof address === 'string') return address;
  if (address instanceof URL) return address.href;
  const type = address === null ? 'null' : typeof address;
  throw new CircuitError('invalid', `address of type ${type}, want text or a URL: ${Object.values(forms).join(', ')}`);
}

/** Reads an address. Throws `invalid` with what is wrong with it and what it should look like. */
export function parseUrl(text: string): Address {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(text)?.[1]?.toLowerCase();
  if (scheme === undefined || !Object.hasOwn(forms, scheme)) {
    throw wrong(text, `unknown scheme; known are ${Object.values(forms).join(', ')}`);
  }
  return readRest(scheme as Scheme, text.slice(scheme.length + 1), text);
}

function readRest(scheme: Scheme, rest: string, text: string): Address {
  switch (scheme) {
    case 'memory':
      if (rest === '') throw wrong(text, `the name is missing, want ${forms.memory}`);
      return { scheme, name: rest };
    case 'worker':
      return { scheme, name: rest === '' ? 'worker' : rest };
    case 'unix':
      return { scheme, path: unixPath(rest, text) };
    case 'tcp':
    case 'tls': {
      const url = hostUrl(scheme, text);
      if (url.pathname.length > 1 || url.search !== '') throw wrong(text, `nothing may stand behind the port`);
      if (url.port === '') throw wrong(text, `the port is missing, want ${forms[scheme]}`);
      return { scheme, host: bareHost(url), port: Number(url.port) };
    }
    case 'ws':
    case 'wss':
    case 'http':
    case 'https': {
      const url = hostUrl(scheme, text);
      const usual = scheme === 'wss' || scheme === 'https' ? 443 : 80;
      return { scheme, url, host: bareHost(url), port: url.port === '' ? usual : Number(url.port) };
    }
  }
}

/** Taken as it stands: no `%` is decoded. */
function unixPath(rest: string, text: string): string {
  const path = rest.startsWith('///') ? rest.slice(2) : rest;
  if (!path.startsWith('/') || path.startsWith('//')) throw wrong(text, `want an absolute path: ${forms.unix}`);
  return path;
}

function hostUrl(scheme: Scheme, text: string): URL {
  const url = text.slice(scheme.length).startsWith('://') && URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || url.hostname === '') throw wrong(text, `want ${forms[scheme]}`);
  const web = scheme !== 'tcp' && scheme !== 'tls';
  if (!web && (url.username !== '' || url.password !== '')) throw wrong(text, 'a user does not belong here');
  if (url.hash !== '') throw wrong(text, 'a fragment does not belong here');
  return url;
}

function bareHost({ hostname }: URL): string {
  return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
}

/** An address in an error: what may be a password in it is left out. */
export function shown(text: string): string {
  return text.replace(/\/\/[^/?#]*@/, '//…@').slice(0, maxShown);
}

function wrong(text: string, what: string): CircuitError {
  return new CircuitError('invalid', `address ${shown(text)}: ${what}`);
}
