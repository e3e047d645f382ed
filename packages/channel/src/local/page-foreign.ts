import { CircuitError } from '@circuit/base';

/** What a page has in place of `foreign.ts`: it carries web streams. */
export function nodeReader(): never {
  throw new CircuitError('unsupported', 'a page carries web streams, none of Node');
}

export const nodeWriter: typeof nodeReader = nodeReader;
