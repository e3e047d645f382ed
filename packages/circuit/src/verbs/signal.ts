import { orThrow, parseSignal } from '@circuit/protocol';
import { forEach, processes, targets } from '../targets.js';
import { clusterOptions, type Verb } from '../verb.js';

/** Sends a signal to processes. */
export const signal: Verb = {
  usage: 'SIGNAL PATH',
  help: `
Sends SIGNAL (TERM, kill, SIGUSR1, 9 …) to the process at PATH, or to all that a pattern selects. The two may be given in either order.`,
  options: clusterOptions,
  arity: [2, 2],
  async run(context) {
    const [first = '', second = ''] = context.args;
    const [name, path] = first.startsWith('/') ? [second, first] : [first, second];
    const parsed = orThrow(parseSignal(name));
    const cluster = await context.connect();
    const chosen = await targets(context, cluster, path);
    const entries = processes(chosen, path);
    return forEach(context, { ...chosen, entries }, (entry) =>
      cluster.walk(entry.path).proc().signal(parsed, { signal: context.signal }),
    );
  },
};
