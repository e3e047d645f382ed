import { CircuitError, type Clock, systemClock } from '@circuit/base';
import { orThrow, parseAddress } from '@circuit/protocol';
import type { Cluster } from '../cluster.js';
import { dial, type DialOptions } from './dial.js';
import { localServers } from './local-servers.js';
import { readAddressFile } from './address-file.js';

/** Where a server is looked for, and how it is dialled. */
export interface ConnectOptions extends DialOptions {
  /** The address of a server: `circuit://HOST:PORT`, `HOST:PORT` or `unix:/PATH`. Nothing else is tried then. */
  readonly dial?: string | undefined;
  readonly clock?: Clock;
}

/**
 * A cluster, by way of the first of: `dial`; the address in the file that `CIRCUIT` names; a daemon of this user on this machine. Whoever
 * connects closes. Rejects with `invalid` for a bad address, `unreachable` when no server answers, `denied` when the key is missing or wrong.
 */
export async function connect(options: ConnectOptions = {}): Promise<Cluster> {
  const { env = process.env, clock = systemClock } = options;
  if (options.dial !== undefined) return dial(orThrow(parseAddress(options.dial)), options, clock);
  const file = env['CIRCUIT'];
  if (file !== undefined && file.trim() !== '') return dial(await readAddressFile(file.trim(), env), options, clock);
  return connectLocal(options, clock);
}

async function connectLocal(options: ConnectOptions, clock: Clock): Promise<Cluster> {
  const { env = process.env } = options;
  const failures: string[] = [];
  for (const address of await localServers(env)) {
    try {
      return await dial(address, options, clock);
    } catch (error) {
      if (options.signal?.aborted === true || !(error instanceof CircuitError) || error.code !== 'unreachable')
        throw error;
      failures.push(error.message);
    }
  }
  const why = failures.length === 0 ? 'none runs on this machine' : failures.join('; ');
  throw new CircuitError(
    'unreachable',
    `no circuit server found: ${why}: start one with circuit start, or name one with -d ADDR or the file in CIRCUIT`,
    { detail: 'no-server-found', retryable: true },
  );
}
