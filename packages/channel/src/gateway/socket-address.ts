import { CircuitError } from '@circuit/base';
import { hostPort } from '../carriers/socket/addresses.js';
import { maxPathBytes, pathFault } from '../carriers/socket/place.js';

/** A port on a host, or a socket file: where a plain socket listens or is dialled. */
export type SocketAddress = { readonly host: string; readonly port: number } | { readonly path: string };

/** `tcp HOST:PORT` or `unix PATH`. */
export function socketName(address: SocketAddress): string {
  return 'path' in address ? `unix ${address.path}` : `tcp ${hostPort(address.host, address.port)}`;
}

const maxHostBytes = 253;

/**
 * The address in `value`, which may come from outside; `least` is the smallest port (0 for a listener, which then takes any free one).
 * Throws `invalid`.
 */
export function wantSocketAddress(value: unknown, least: 0 | 1): SocketAddress {
  if (typeof value !== 'object' || value === null) throw wrong('an address', value, 'give {host, port} or {path}');
  const { host, port, path } = value as { readonly host?: unknown; readonly port?: unknown; readonly path?: unknown };
  if (path !== undefined) {
    if (typeof path !== 'string' || path.includes('\0') || pathFault(path) !== undefined)
      throw wrong('path', path, `give a path of at most ${maxPathBytes} bytes`);
    return { path };
  }
  if (typeof host !== 'string' || host === '' || host.includes('\0') || Buffer.byteLength(host) > maxHostBytes)
    throw wrong('host', host, `give a name or an address of at most ${maxHostBytes} bytes`);
  if (!Number.isInteger(port) || (port as number) < least || (port as number) > 65_535)
    throw wrong('port', port, `give ${least} to 65535`);
  return { host, port: port as number };
}

function wrong(what: string, value: unknown, remedy: string): CircuitError {
  return new CircuitError('invalid', `gateway: ${what} is ${shown(value).slice(0, 120)}: ${remedy}`);
}

function shown(value: unknown): string {
  if (value === undefined) return 'absent';
  if (typeof value === 'string') return JSON.stringify(value);
  return typeof value === 'number' ? `${value}` : `of type ${value === null ? 'null' : typeof value}`;
}
