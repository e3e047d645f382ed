import { orThrow, parseAddress } from '@circuit/protocol';
import { onePath } from '../targets.js';
import { clusterOptions, type Verb } from '../verb.js';

/** Merges two clusters. */
export const join: Verb = {
  usage: 'PATH ADDR',
  help: `
The server at PATH merges its cluster with that of the server at the address ADDR. Its own cluster: nothing changes.`,
  options: clusterOptions,
  arity: [2, 2],
  async run(context) {
    const [path = '', address = ''] = context.args;
    const target = onePath(path);
    orThrow(parseAddress(address));
    const cluster = await context.connect();
    await cluster.walk(target).server().rejoin(address, { signal: context.signal });
    return 0;
  },
};
