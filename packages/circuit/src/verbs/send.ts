import { onePath } from '../targets.js';
import { clusterOptions, type Verb } from '../verb.js';

/** Sends standard input as one message. */
export const send: Verb = {
  usage: 'PATH',
  help: `
Sends all of standard input as one message through the channel at PATH. It waits for a receiver, or for room in the channel, before it
reads; it ends with 0 when the message is wholly in the channel or its receiver has acknowledged the end.`,
  options: clusterOptions,
  arity: [1, 1],
  async run(context) {
    const path = onePath(context.args[0] ?? '');
    const cluster = await context.connect();
    await cluster.walk(path).chan().send(context.io.stdin, { signal: context.signal });
    return 0;
  },
};
