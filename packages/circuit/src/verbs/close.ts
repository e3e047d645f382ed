import { onePath } from '../targets.js';
import { clusterOptions, type Verb } from '../verb.js';

/** Closes a channel. */
export const close: Verb = {
  usage: 'PATH',
  help: `
Closes the channel at PATH: what waits or is held still arrives, then receivers hear that it is closed. A second close is a conflict.`,
  options: clusterOptions,
  arity: [1, 1],
  async run(context) {
    const path = onePath(context.args[0] ?? '');
    const cluster = await context.connect();
    await cluster.walk(path).chan().close({ signal: context.signal });
    return 0;
  },
};
