import { isGlob } from '@circuit/protocol';
import { Printer } from '../print.js';
import { forEach, targets } from '../targets.js';
import { clusterOptions, formatOption, type Verb } from '../verb.js';

/** Prints the state of elements. */
export const peek: Verb = {
  usage: 'PATH',
  help: `
The state of the element at PATH as JSON; null for an anchor that holds none. A pattern prints one JSON object a line, with path and
kind beside the state.`,
  options: { ...formatOption, ...clusterOptions },
  arity: [1, 1],
  async run(context) {
    const { args, signal } = context;
    const [argument = ''] = args;
    const printer = new Printer(context, { single: !isGlob(argument) });
    const cluster = await context.connect();
    const chosen = await targets(context, cluster, argument);
    const code = await forEach(context, chosen, async ({ path }) => {
      const { kind, state } = await cluster.walk(path).peek({ signal });
      if (!chosen.pattern) return printer.row({ name: path, text: JSON.stringify(state, null, 2), json: state });
      const json = { path, kind, state };
      return printer.row({ name: path, text: JSON.stringify(json), json });
    });
    await printer.end();
    return code;
  },
};
