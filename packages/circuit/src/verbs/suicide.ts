import { split } from '@circuit/protocol';
import { onePath } from '../targets.js';
import { usageError } from '../usage.js';
import { clusterOptions, type Verb } from '../verb.js';

/** Ends a server. */
export const suicide: Verb = {
  usage: 'PATH',
  help: `
Ends the server at PATH (/X…): it announces its leave to the others. Its processes go on and are taken back by its next start.`,
  options: clusterOptions,
  arity: [1, 1],
  async run(context) {
    const path = onePath(context.args[0] ?? '');
    if (split(path).length !== 1) throw usageError(`${path} is no server: name one, /X…`);
    const cluster = await context.connect();
    await cluster.walk(path).server().suicide({ signal: context.signal });
    return 0;
  },
};
