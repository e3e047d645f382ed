import { formatHostPort, parseAddress } from './address.js';
import { invalid, orThrow, type Parsed, parsing, shown } from './parsed.js';

/** What a server connects to on behalf of a client: any TCP port or Unix socket that it can reach. */
export type SocketTarget = { readonly host: string; readonly port: number } | { readonly path: string };

const wanted = 'write HOST:PORT, [IPv6]:PORT or unix:/PATH';

/** Reads `HOST:PORT` or `unix:/PATH`. */
export function parseSocketTarget(text: unknown): Parsed<SocketTarget> {
  return parsing(() => {
    if (typeof text !== 'string') throw invalid(`target is ${shown(text)}`, wanted);
    // An address of a server looks alike, but a plain socket has neither scheme nor process.
    if (text.includes('/') && !text.startsWith('unix:')) throw invalid(`target ${shown(text)} is malformed`, wanted);
    const address = orThrow(parseAddress(text));
    return address.type === 'unix' ? { path: address.path } : { host: address.host, port: address.port };
  });
}

/** The canonical text of `target`. */
export function formatSocketTarget(target: SocketTarget): string {
  return 'path' in target ? `unix:${target.path}` : formatHostPort(target.host, target.port);
}
