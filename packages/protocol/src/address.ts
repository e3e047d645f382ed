import { invalid, type Parsed, parsing, shown, utf8Bytes } from './parsed.js';

/** Where a server listens. */
export type Address = TcpAddress | UnixAddress;

/** `circuit://HOST:PORT[/PID/Q…]`; only host and port matter for dialling. */
export interface TcpAddress {
  readonly type: 'tcp';
  /** A name or an address, in lower case; IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  /** The process that printed the address; informs only. */
  readonly pid?: number;
  /** `Q` and hexadecimal digits, one start of a server; informs only. */
  readonly worker?: string;
}

/** `unix:PATH`, a socket on this machine. */
export interface UnixAddress {
  readonly type: 'unix';
  readonly path: string;
}

/** Longer paths of sockets are cut by the system without a word, so they are refused. */
export const maxSocketPathBytes = 100;

const wanted = 'write circuit://HOST:PORT, or unix:/PATH';

/**
 * Reads an address. The scheme may be left out (`HOST:PORT`), IPv6 stands in brackets, white space around is ignored,
 * PID and worker are optional.
 */
export function parseAddress(text: unknown): Parsed<Address> {
  return parsing(() => {
    if (typeof text !== 'string') throw invalid(`address is ${shown(text)}`, wanted);
    const trimmed = text.trim();
    return /^unix:/i.test(trimmed) ? readUnix(trimmed) : readTcp(trimmed);
  });
}

/** The canonical text of `address`. */
export function formatAddress(address: Address): string {
  if (address.type === 'unix') return `unix:${address.path}`;
  const base = `circuit://${formatHostPort(address.host, address.port)}`;
  if (address.pid === undefined) return base;
  return address.worker === undefined ? `${base}/${address.pid}` : `${base}/${address.pid}/${address.worker}`;
}

/** `host:port`, with brackets around IPv6. */
export function formatHostPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Whether two addresses lead to the same listener, whatever they say of process and worker. */
export function sameListener(a: Address, b: Address): boolean {
  if (a.type === 'unix') return b.type === 'unix' && a.path === b.path;
  return b.type === 'tcp' && a.host === b.host && a.port === b.port;
}

function readUnix(text: string): UnixAddress {
  const path = text.slice('unix:'.length);
  if (!path.startsWith('/')) throw invalid(`address ${shown(text)} has no absolute path`, 'write unix:/PATH');
  if (/[\p{Cc}\p{Cs}]/u.test(path)) throw invalid(`address ${shown(text)} holds a control character`, wanted);
  if (utf8Bytes(path) > maxSocketPathBytes)
    throw invalid(
      `socket path ${shown(path)} is too long`,
      `use at most ${maxSocketPathBytes} bytes, the system cuts longer ones`,
      'too-long',
    );
  return { type: 'unix', path };
}

const form = /^(?:circuit:\/\/)?(?:\[([^\]]*)\]|([^:/[\]]*)):(\d{1,5})(?:\/(\d{1,10})(?:\/(Q[0-9a-f]{1,64}))?)?\/?$/i;

function readTcp(text: string): TcpAddress {
  const found = form.exec(text);
  if (found === null) throw invalid(`address ${shown(text)} is malformed`, wanted);
  const [, bracketed, plain, digits, pid, worker] = found;
  const host = (bracketed ?? plain ?? '').toLowerCase();
  if (bracketed === undefined ? !isHostName(host) : !isIpv6(host))
    throw invalid(
      `address ${shown(text)} has host ${shown(host)}`,
      'give a host name, an IPv4 address, or an IPv6 address in brackets',
    );
  const port = Number(digits);
  if (port < 1 || port > 65_535) throw invalid(`address ${shown(text)} has port ${port}`, 'use 1 to 65535');
  return {
    type: 'tcp',
    host,
    port,
    ...(pid === undefined ? {} : { pid: Number(pid) }),
    ...(worker === undefined ? {} : { worker: `Q${worker.slice(1).toLowerCase()}` }),
  };
}

/** A name by RFC 1123 (with `_`, which hosts of containers use) or dotted IPv4. */
function isHostName(host: string): boolean {
  if (/^[\d.]+$/.test(host)) return isIpv4(host);
  return host.length <= 253 && /^(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.?)+$/.test(host) && !host.startsWith('.');
}

function isIpv4(text: string): boolean {
  const parts = text.split('.');
  return parts.length === 4 && parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255);
}

/** IPv6 by RFC 4291 section 2.2, with a zone (RFC 4007) and a dotted tail. */
export function isIpv6(text: string): boolean {
  const [address = '', zone, ...more] = text.split('%');
  if (more.length > 0 || (zone !== undefined && !/^[\w.-]+$/.test(zone))) return false;
  const halves = address.split('::');
  if (halves.length > 2) return false;
  const groups = halves.flatMap((half) => (half === '' ? [] : half.split(':')));
  const tail = groups.at(-1) ?? '';
  const dotted = tail.includes('.');
  if (dotted && (!isIpv4(tail) || address.endsWith('::'))) return false;
  const plain = dotted ? groups.slice(0, -1) : groups;
  if (!plain.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return false;
  const count = plain.length + (dotted ? 2 : 0);
  return halves.length === 2 ? count <= 7 : count === 8;
}
