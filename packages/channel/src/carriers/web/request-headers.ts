import { CircuitError } from '@circuit/base';

/** What names of headers are made of (RFC 9110, 5.6.2). */
const tokenPattern = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;
/** What their values are made of (RFC 9110, 5.5): no blank stands at the beginning or the end. */
const valuePattern = /^(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?$/;
/** What the carriers say themselves, and what would make HTTP wait for more than the request. */
const ownPattern =
  /^(?:connection|content-length|content-type|expect|http2-settings|keep-alive|proxy-connection|sec-websocket-.*|te|trailer|transfer-encoding|upgrade)$/;

/**
 * The headers of a dial, by lower-case name: the caller's, and user and password of the address as a browser would send
 * them, unless the caller says `authorization`. Throws `invalid`, with the name and never the value, which may be a secret.
 */
export function requestHeaders(
  url: URL,
  headers: Readonly<Record<string, string>> | undefined,
  what: string,
): Readonly<Record<string, string>> {
  const authorization = basic(url, what);
  const result = new Map<string, string>();
  for (const [given, value] of Object.entries(headers ?? {})) {
    const name = given.toLowerCase();
    const fault = faultOf(name, value) ?? (result.has(name) ? 'it is there twice' : undefined);
    if (fault !== undefined) throw new CircuitError('invalid', `${what}: header ${JSON.stringify(given)}: ${fault}`);
    result.set(name, value);
  }
  if (authorization !== undefined && !result.has('authorization')) result.set('authorization', authorization);
  return Object.fromEntries(result);
}

function faultOf(name: string, value: unknown): string | undefined {
  if (!tokenPattern.test(name)) return "want a name of letters, digits and !#$%&'*+-.^_`|~";
  if (ownPattern.test(name)) return 'the carrier says this one itself; leave it out';
  if (typeof value !== 'string') return `its value is of type ${typeof value}, want a string`;
  if (valuePattern.test(value)) return undefined;
  if (/[\r\n]/.test(value)) return 'its value holds a line break';
  return 'its value holds a blank at an end, a control character or one beyond Latin-1; encode it';
}

function basic({ username, password }: URL, what: string): string | undefined {
  if (username === '' && password === '') return undefined;
  try {
    const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
    return `Basic ${Buffer.from(pair).toString('base64')}`;
  } catch (error) {
    const message = `${what}: user or password of the address holds a % that begins no encoded character; write %25 for it`;
    throw new CircuitError('invalid', message, { cause: error });
  }
}
