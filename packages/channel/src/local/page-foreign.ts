import { CircuitError } from '@circuit/base';

/** What a page has in place of `foreign.ts`: it carries web streams. */
export function nodeReader(): never {
  throw noNodeStreams();
}

export function nodeWriter(): never {
  throw noNodeStreams();
}

function noNodeStreams(): CircuitError {
  return new CircuitError('unsupported', 'a page carries no streams of Node');
}
