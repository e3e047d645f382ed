import { orThrow, parseAddress, split } from '@circuit/protocol';
import { onePath } from '../targets.js';
import { usageError } from '../usage.js';
import { clusterOptions, type Verb } from '../verb.js';

/** Merges two clusters. */
export const join: Verb = {
  usage: 'PATH ADDR',
  help: `
The server at PATH merges its cluster with that of the server at the address ADDR. Its own cluster: nothing changes. When nobody
answers there, it says so and changes nothing.`,
  options: clusterOptions,
  arity: [2, 2],
  async run(context) {
    const [path = '', address = ''] = context.args;
    const target = onePath(path);
    if (split(target).length !== 1) throw usageError(`${target} is no server: name one, /X…`);
    orThrow(parseAddress(address));
    const cluster = await context.connect();
    await cluster.walk(target).server().rejoin(address, { signal: context.signal });
    return 0;
  },
};
