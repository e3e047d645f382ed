import {
  CircuitError,
  type Clock,
  deadline,
  isCircuitError,
  linkSignals,
  toCircuitError,
  type WaitOptions,
} from '@circuit/base';
import type { Session } from '@circuit/channel';
import type { Key } from '@circuit/keys';
import { type Address, formatAddress, type TcpAddress } from '@circuit/protocol';
import { connectSession } from '../connect-session.js';
import type { Cluster } from '../cluster.js';
import { findKey, type KeyPlaces } from './find-key.js';

/** How one address is dialled. */
export interface DialOptions extends KeyPlaces, WaitOptions {
  /** No key and no encryption, as a server that was started with `--insecure` wants. */
  readonly insecure?: boolean | undefined;
  /** From the first packet to the first answer, in milliseconds; 5,000 by default. */
  readonly timeoutMs?: number | undefined;
}

/** The default of {@link DialOptions.timeoutMs}. */
const dialTimeoutMs = 5000;

/** Three silent intervals end a session, so a server is given up 6 to 9 s after its last word. */
const session = { keepAliveMs: 3000 } as const;

/**
 * Dials `address` and greets who is there. Rejects with `unreachable` when nobody answers in time, `denied` when the key is missing or does
 * not fit.
 */
export async function dial(address: Address, options: DialOptions, clock: Clock): Promise<Cluster> {
  const addr = formatAddress(address);
  const limitMs = options.timeoutMs ?? dialTimeoutMs;
  const limit = deadline(clock, limitMs, `dial ${addr}`);
  const linked = linkSignals(options.signal, limit.signal);
  const { signal } = linked;
  try {
    const session = await open(address, options, signal);
    return await connectSession(session, { addr, clock, signal });
  } catch (error) {
    if (options.signal?.aborted === true) throw error;
    throw failed(
      addr,
      toCircuitError(error, 'unreachable'),
      limitMs,
      options.insecure === true && address.type === 'tcp',
    );
  } finally {
    linked.dispose();
    limit.dispose();
  }
}

// The carriers are loaded when they are needed: a command that talks over a Unix socket does not pay for TLS.
async function open(address: Address, options: DialOptions, signal: AbortSignal): Promise<Session> {
  if (address.type === 'unix') {
    const { dialUnix } = await import('@circuit/channel/unix');
    return dialUnix({ path: address.path, descriptors: false, signal, session });
  }
  const { host, port } = address;
  if (options.insecure === true) {
    const { dialTcp } = await import('@circuit/channel/tcp');
    return dialTcp({ host, port, signal, session });
  }
  const [key, { dialTls }, { pskFor }] = await Promise.all([
    keyFor(address, options),
    import('@circuit/channel/tls'),
    import('@circuit/keys'),
  ]);
  return dialTls({ host, port, psk: pskFor(key), signal, session });
}

async function keyFor(address: TcpAddress, options: DialOptions): Promise<Key> {
  const key = await findKey(address.host, options);
  if (key !== undefined) return key;
  throw new CircuitError(
    'denied',
    `no key for ${formatAddress(address)}: name the key file with -hmac FILE or CIRCUIT_HMAC, or use --insecure for a server without one`,
    { detail: 'no-key' },
  );
}

function failed(addr: string, error: CircuitError, limitMs: number, inPlainText: boolean): CircuitError {
  // A server with a key takes plain text for a broken TLS handshake and hangs up.
  if (inPlainText && ['peer-gone', 'closed', 'outcome-unknown', 'protocol'].includes(error.code))
    return new CircuitError(
      'denied',
      `${addr}: the server hung up on plain text: it wants a key; leave --insecure out and name the key file with -hmac FILE or CIRCUIT_HMAC`,
      { cause: error, detail: 'wants-key' },
    );
  switch (error.code) {
    case 'timeout':
      return new CircuitError('unreachable', `${addr}: no answer within ${limitMs} ms`, {
        cause: error,
        retryable: true,
      });
    case 'peer-gone':
    case 'closed':
    case 'io':
    case 'outcome-unknown':
      return new CircuitError('unreachable', `${addr}: ${error.message}`, { cause: error, retryable: true });
    default:
      return isCircuitError(error, 'not-found') && error.detail !== 'ENOENT'
        ? new CircuitError('unreachable', error.message, { cause: error })
        : error;
  }
}
