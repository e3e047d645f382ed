import { CircuitError } from '@circuit/base';
import { hostPort } from '../carriers/tcp.js';

/** A port on a host, or a socket file: where a plain socket listens or is dialled. */
export type SocketAddress = { readonly host: string; readonly port: number } | { readonly path: string };

/** `tcp HOST:PORT` or `unix PATH`. */
export function socketName(address: SocketAddress): string {
  return 'path' in address ? `unix ${address.path}` : `tcp ${hostPort(address.host, address.port)}`;
}

/** Longer paths are cut by the system without a word. */
const maxPathBytes = 100;
const maxHostBytes = 253;

/**
 * Checks an address that came from outside; `least` is the smallest port (0 for a listener, which then takes any free one).
 * Answers with what is wrong, as an error.
 */
export function checkSocketAddress(value: unknown, least: 0 | 1): SocketAddress | CircuitError {
  if (typeof value !== 'object' || value === null) return wrong('an address', value, 'give {host, port} or {path}');
  const { host, port, path } = value as { readonly host?: unknown; readonly port?: unknown; readonly path?: unknown };
  if (path !== undefined) {
    if (typeof path !== 'string' || path === '' || path.includes('\0') || Buffer.byteLength(path) > maxPathBytes)
      return wrong('path', path, `give a path of at most ${maxPathBytes} bytes`);
    return { path };
  }
  if (typeof host !== 'string' || host === '' || host.includes('\0') || Buffer.byteLength(host) > maxHostBytes)
    return wrong('host', host, `give a name or an address of at most ${maxHostBytes} bytes`);
  if (!Number.isInteger(port) || (port as number) < least || (port as number) > 65_535)
    return wrong('port', port, `give ${least} to 65535`);
  return { host, port: port as number };
}

function wrong(what: string, value: unknown, remedy: string): CircuitError {
  const shown = value === undefined ? 'absent' : JSON.stringify(value);
  return new CircuitError('invalid', `gateway: ${what} is ${shown.slice(0, 120)}: ${remedy}`);
}
