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

/** Longer paths of Unix sockets are refused: the system cuts them at 108 bytes without a word. */
export const maxPathBytes = 100;

/** Throws `invalid` for a place that there cannot be. Node would throw as well, and leave an open handle behind. */
export function checkPlace(what: string, place: PortAddress | PathAddress): void {
  const fault = 'path' in place ? pathFault(place.path) : portFault(place);
  if (fault !== undefined) throw new CircuitError('invalid', `${what}: ${fault}`);
}

/** What is wrong with the path of a Unix socket. */
export function pathFault(path: unknown): string | undefined {
  if (typeof path !== 'string') return `path of type ${typeof path}, want text`;
  if (path === '') return 'the path is empty';
  // In front it stands for a name without a file.
  if (path.lastIndexOf('\0') > 0) return 'a zero character in the path';
  const bytes = Buffer.byteLength(path);
  if (bytes <= maxPathBytes) return undefined;
  return `path of ${bytes} bytes, the limit is ${maxPathBytes}; choose a shorter folder`;
}

function portFault({ host, port }: PortAddress): string | undefined {
  if (typeof host !== 'string') return `host of type ${typeof host}, want text`;
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return undefined;
  return `port ${port}, want a whole number from 0 to 65535`;
}
