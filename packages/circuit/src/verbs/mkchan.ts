import { onePath } from '../targets.js';
import { usageError } from '../usage.js';
import { clusterOptions, type Verb } from '../verb.js';

/** Makes a channel. */
export const mkchan: Verb = {
  usage: 'PATH [CAPACITY]',
  help: `
Makes a channel at PATH with room for CAPACITY messages; 0, the default, lets sender and receiver meet.`,
  options: clusterOptions,
  arity: [1, 2],
  async run(context) {
    const [path = '', capacity = '0'] = context.args;
    if (!/^\d{1,9}$/.test(capacity)) throw usageError(`capacity ${capacity}: write a whole number from 0`);
    const target = onePath(path);
    const cluster = await context.connect();
    await cluster.walk(target).makeChan(Number(capacity), { signal: context.signal });
    return 0;
  },
};
