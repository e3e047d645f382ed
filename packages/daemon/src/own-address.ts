import { networkInterfaces } from 'node:os';
import { formatAddress } from '@circuit/protocol';

/** Where a server listens. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/**
 * The address that others can reach: what was told to be advertised, else where the listener is bound, with the first
 * outward address of this machine in place of "all".
 */
export function ownAddress(bound: HostPort, advertise: HostPort | undefined, worker: string): string {
  const { host, port } = advertise ?? bound;
  const reachable = host === '0.0.0.0' || host === '::' ? (outwardHost(host === '::') ?? 'localhost') : host;
  return formatAddress({ type: 'tcp', host: reachable, port, pid: process.pid, worker });
}

function outwardHost(sixToo: boolean): string | undefined {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const outward = all.filter(({ internal, address }) => !internal && !address.startsWith('fe80:'));
  const four = outward.find(({ family }) => family === 'IPv4');
  return (four ?? (sixToo ? outward.find(({ family }) => family === 'IPv6') : undefined))?.address;
}
