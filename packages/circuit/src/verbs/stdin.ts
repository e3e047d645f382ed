import { onePath } from '../targets.js';
import { clusterOptions, type Verb } from '../verb.js';

/** Feeds a process. */
export const stdin: Verb = {
  usage: 'PATH',
  help: `
Copies standard input to that of the process at PATH as it comes, then closes it. One writer at a time.`,
  options: clusterOptions,
  arity: [1, 1],
  async run(context) {
    const path = onePath(context.args[0] ?? '');
    const cluster = await context.connect();
    await cluster.walk(path).proc().stdin.pipeFrom(context.io.stdin, { signal: context.signal });
    return 0;
  },
};
