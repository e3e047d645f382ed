import { CircuitError } from '@circuit/base';

/** Where a listener on a port is to be dialled. */
export interface PortAddress {
  readonly host: string;
  /** 0 lets a listener take any free one; then this is the one that it has taken. */
  readonly port: number;
}

/** Where a listener on a Unix socket is to be dialled. */
export interface PathAddress {
  readonly path: string;
}

/** Throws `invalid` for a place that there cannot be. Node would throw as well, and leave an open handle behind. */
export function checkPlace(what: string, place: PortAddress | PathAddress): void {
  if ('path' in place) return;
  const { host, port } = place;
  if (typeof host !== 'string') throw new CircuitError('invalid', `${what}: host of type ${typeof host}, want text`);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new CircuitError('invalid', `${what}: port ${port}, want a whole number from 0 to 65535`);
  }
}
