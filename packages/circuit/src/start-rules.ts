import { CircuitError } from '@circuit/base';
import { defaultKeyPath, ensureKeyFile, type Key, type KeyFile, readKeyFile } from '@circuit/keys';
import { isIpv6, orThrow, parseAddress } from '@circuit/protocol';
import { usageError } from './usage.js';

/** Where a server listens; port 0 is any free one. */
export interface ListenAt {
  readonly host: string;
  readonly port: number;
}

/** Reads `HOST`, `HOST:PORT`, `[IPv6]`, `[IPv6]:PORT`. Absent: a free port on loopback. */
export function listenAt(text: string | undefined): ListenAt {
  if (text === undefined) return { host: '127.0.0.1', port: 0 };
  const [host, port] = splitPort(text.trim());
  if (port === '0') return { host: checkedHost(host, text), port: 0 };
  if (port === undefined) return { host: checkedHost(host, text), port: 0 };
  const address = orThrow(parseAddress(`${host.includes(':') ? `[${host}]` : host}:${port}`));
  if (address.type === 'unix') throw usageError(`address ${text}: write HOST or HOST:PORT`);
  return { host: address.host, port: address.port };
}

function splitPort(text: string): readonly [string, string | undefined] {
  const found = /^(?:circuit:\/\/)?(?:\[([^\]]+)\]|([^:/]*))(?::(\d+))?$/.exec(text);
  if (found === null) return [text, undefined];
  return [found[1] ?? found[2] ?? '', found[3]];
}

function checkedHost(host: string, text: string): string {
  // Any port makes it a whole address.
  const address = parseAddress(`${isIpv6(host) ? `[${host}]` : host}:1`);
  if (!address.ok || address.value.type === 'unix') throw usageError(`address ${text}: write HOST or HOST:PORT`);
  return address.value.host;
}

export interface SecurityOptions {
  readonly keyFile: string | undefined;
  readonly insecure: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Hears why a key may be known to others. */
  readonly warn: (text: string) => void;
}

/**
 * What every connection must prove. A named key counts everywhere; the key of this user, made if there is none, on loopback only. Rejects with
 * `denied` where neither is allowed.
 */
export async function securityOf(host: string, options: SecurityOptions): Promise<{ readonly key: Key } | 'insecure'> {
  const named = options.keyFile ?? (options.env['CIRCUIT_HMAC'] || undefined);
  if (options.insecure) {
    if (options.keyFile !== undefined) throw usageError('--insecure and -hmac exclude each other');
    return 'insecure';
  }
  if (named === undefined && !isLoopback(host))
    throw new CircuitError(
      'denied',
      `listening on ${host} needs a key: make one with circuit keygen and name its file with -hmac FILE, or serve everybody with --insecure`,
      { detail: 'no-key' },
    );
  const file: KeyFile =
    named === undefined ? await ensureKeyFile(defaultKeyPath({ env: options.env })) : await readKeyFile(named);
  if (file.warning !== undefined) options.warn(file.warning);
  if (file.key.right !== 'full')
    throw new CircuitError('denied', `${file.path} holds a read-only key: a server needs the full key`, {
      detail: 'read-only-key',
    });
  return { key: file.key };
}

/** Whether only this machine can reach `host`. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host);
}
