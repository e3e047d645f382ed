import type { SocketTarget } from '@circuit/protocol';
import { isIpv6, maxSocketPathBytes, orThrow, parseSocketTarget, split } from '@circuit/protocol';
import { isLoopback } from './start-rules.js';
import { onePath } from './targets.js';
import { usageError } from './usage.js';

/** What `forward` reaches: a server, and an address in its network. */
export interface ForwardTarget {
  /** `/X…`. */
  readonly server: string;
  readonly to: SocketTarget;
}

/** Reads `/X…:HOST:PORT` or `/X…:unix:PATH`. */
export function forwardTarget(text: string): ForwardTarget {
  const found = /^(\/[^:]*):(.+)$/s.exec(text);
  if (found === null) throw usageError(`${text}: write /X…:HOST:PORT or /X…:unix:PATH`);
  const server = onePath(found[1] ?? '');
  if (split(server).length !== 1) throw usageError(`${server} is no server: name one, /X…:HOST:PORT`);
  return { server, to: orThrow(parseSocketTarget(found[2])) };
}

/** Where `forward` may listen, the best place first. `text` is what was typed: `[HOST:]PORT`, `unix:PATH` or nothing. */
export function listenPlaces(text: string | undefined, to: SocketTarget, isPublic: boolean): readonly SocketTarget[] {
  if (text === undefined) {
    const any = { host: '127.0.0.1', port: 0 };
    return 'port' in to ? [{ host: '127.0.0.1', port: to.port }, any] : [any];
  }
  if (text.startsWith('unix:')) return [{ path: socketPath(text.slice('unix:'.length)) }];
  const found = /^(?:(?:\[([^\]]+)\]|([^:[\]]+)):)?(\d{1,5})$/.exec(text);
  if (found === null) throw usageError(`${text}: write [HOST:]PORT or unix:PATH`);
  const [, bracketed, plain = '127.0.0.1', digits] = found;
  const host = bracketed ?? plain;
  const port = Number(digits);
  if (port > 65_535) throw usageError(`${text}: port ${port}: use 0 to 65535`);
  if (bracketed !== undefined && !isIpv6(bracketed)) throw usageError(`${text}: ${bracketed} is no IPv6 address`);
  if (!isLoopback(host) && !isPublic)
    throw usageError(`${text}: other machines could reach it: use 127.0.0.1, or say --public`);
  return [{ host, port }];
}

function socketPath(path: string): string {
  if (path === '' || /[\p{Cc}\p{Cs}]/u.test(path)) throw usageError(`unix:${path}: write unix:PATH`);
  const bytes = Buffer.byteLength(path);
  if (bytes > maxSocketPathBytes)
    throw usageError(`unix:${path}: ${bytes} bytes: the system cuts paths of more than ${maxSocketPathBytes}`);
  return path;
}
