import { readText } from '../read-text.js';
import { onePath } from '../targets.js';
import { clusterOptions, formatOption, type Verb } from '../verb.js';
import { waitForAll } from '../wait-for-all.js';

/** Waits for many processes. */
export const waitall: Verb = {
  usage: '',
  help: `
Reads paths of processes from standard input, one a line, waits for all of them and prints each state as it ends. Exits with 0 if all
ended with 0, else with 6.`,
  options: { ...formatOption, ...clusterOptions },
  arity: [0, 0],
  async run(context) {
    const lines = (await readText(context)).split('\n').map((line) => line.trim());
    const paths = lines.filter((line) => line !== '').map(onePath);
    const cluster = await context.connect();
    return waitForAll(context, cluster, paths);
  },
};
