import { helpOf, overview } from '../help.js';
import { usageError } from '../usage.js';
import type { Verb } from '../verb.js';

/** Explains the command or a verb. */
export const help: Verb = {
  usage: '[VERB]',
  help: 'Lists the verbs, or explains one.',
  options: {},
  arity: [0, 1],
  async run({ args, io, verbs }) {
    const [name] = args;
    if (name === undefined) {
      await io.write(overview(verbs));
      return 0;
    }
    const entry = Object.hasOwn(verbs, name) ? verbs[name] : undefined;
    if (entry === undefined) throw usageError(`unknown verb ${name}: circuit help lists the known ones`);
    await io.write(helpOf(name, await entry.load()));
    return 0;
  },
};
