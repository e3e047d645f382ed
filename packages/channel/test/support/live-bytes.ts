import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
/** Collects what nobody holds. */
export const collectGarbage = runInNewContext('gc') as () => void;

/** Bytes in array buffers that somebody still holds; how much garbage stands beside them is the collector's affair, and differs by version of Node. */
export function liveBytes(): number {
  collectGarbage();
  // What the first collection found dead is given back by the second at the latest.
  collectGarbage();
  return process.memoryUsage().arrayBuffers;
}
