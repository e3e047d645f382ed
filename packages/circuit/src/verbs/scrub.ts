import { exitCodes, split } from '@circuit/protocol';
import { forEach, noMatch, targets } from '../targets.js';
import { usageError } from '../usage.js';
import { clusterOptions, type Verb } from '../verb.js';

/** Removes elements. */
export const scrub: Verb = {
  usage: 'PATH',
  help: `
Aborts the element at PATH and removes it. A process goes on without it unless --kill is given. A pattern that selects more than one
element needs --yes; it never selects a server.`,
  options: {
    yes: { type: 'flag', short: 'y', help: 'remove also more than one' },
    kill: { type: 'flag', help: 'also end the process group of a process' },
    ...clusterOptions,
  },
  arity: [1, 1],
  async run(context) {
    const { args, line, signal } = context;
    const pattern = args[0] ?? '';
    const cluster = await context.connect();
    const chosen = await targets(context, cluster, pattern);
    const entries = chosen.pattern
      ? chosen.entries.filter(({ path, kind }) => kind !== undefined && split(path).length > 1)
      : chosen.entries;
    if (entries.length === 0 && chosen.code === exitCodes.done) throw noMatch(pattern);
    if (entries.length > 1 && !line.flag('yes'))
      throw usageError(`${pattern} selects ${entries.length} elements: say --yes to remove them all`);
    return forEach(context, { ...chosen, entries }, ({ path }) =>
      cluster.walk(path).scrub({ kill: line.flag('kill'), signal }),
    );
  },
};
