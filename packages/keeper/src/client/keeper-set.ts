import { CircuitError } from '@circuit/base';
import type { KeeperSet, KeeperSetOptions } from './types.js';

/**
 * Opens the processes below `stateFolder` (made when absent): connects to every live keeper, adopts what dead ones left.
 * Rejects with `invalid` when a socket's path would exceed 100 bytes.
 */
export function openKeeperSet(stateFolder: string, options: KeeperSetOptions): Promise<KeeperSet> {
  return Promise.reject(new CircuitError('unsupported', `open ${stateFolder}: not built yet ${options.bundlePath}`));
}
