import { CircuitError } from '@circuit/base';

/** The descriptor on which a fresh keeper says that it listens, and which it then closes. */
export const readyFd = 3;

/** What a keeper process is started with, as JSON in its first argument. */
export interface KeeperArguments {
  readonly folder: string;
  readonly socketPath: string;
  readonly segmentBytes: number;
  /** The bound over all output in the mode `log`. */
  readonly keepTotalBytes: number;
  /** SHA-256 of the running bundle, hex. */
  readonly bundle: string;
}

/** Reads the first argument. Throws `invalid`: only a client of this package starts a keeper. */
export function readKeeperArguments(text: string | undefined): KeeperArguments {
  try {
    const value = JSON.parse(text ?? '') as Partial<KeeperArguments>;
    const { folder, socketPath, segmentBytes, keepTotalBytes, bundle } = value;
    if (
      folder !== undefined &&
      socketPath !== undefined &&
      segmentBytes !== undefined &&
      keepTotalBytes !== undefined &&
      bundle !== undefined
    ) {
      return { folder, socketPath, segmentBytes, keepTotalBytes, bundle };
    }
  } catch {
    // Told below.
  }
  throw new CircuitError('invalid', 'the keeper is started by @circuit/keeper/client, not by hand');
}
