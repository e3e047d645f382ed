import { type CircuitError, isCircuitError, toCircuitError } from '@circuit/base';
import type { Cluster } from '@circuit/client/node';
import { exitCodeOfProc, isGlob, type ProcState } from '@circuit/protocol';
import { endedOutcome } from '../outcome.js';
import { Printer } from '../print.js';
import { processes, targets } from '../targets.js';
import { clusterOptions, type Context, formatOption, type Verb } from '../verb.js';
import { waitForAll } from '../wait-for-all.js';

/** Waits for the end of a process. */
export const wait: Verb = {
  usage: 'PATH',
  help: `
Waits until the process at PATH has ended, prints its state and exits with its code (128 + n for signal n, 255 where nobody knows). With
a pattern: 0 if all ended with 0, else 6. With -o json there is an Outcome in every case: ended, not-begun, deadline, aborted, unknown.`,
  options: { ...formatOption, ...clusterOptions },
  arity: [1, 1],
  outcome: 'write',
  async run(context) {
    const [argument = ''] = context.args;
    if (isGlob(argument)) context.situation = 'plain';
    const printer = new Printer(context, { single: true });
    const cluster = await context.connect();
    const chosen = await targets(context, cluster, argument);
    if (chosen.pattern) {
      const paths = processes(chosen, argument).map(({ path }) => path);
      return Math.max(chosen.code, await waitForAll(context, cluster, paths));
    }
    const path = chosen.entries[0]?.path ?? '';
    const state = await finalState(context, cluster, path);
    await printer.row({ name: path, text: JSON.stringify(state, null, 2), json: endedOutcome(state) });
    await printer.end();
    if (state.Phase === 'unknown')
      context.io.say(
        `circuit: wait: ${path}: the process has ended, and nobody knows how: its keeper was killed before it`,
      );
    return exitCodeOfProc(state);
  },
};

async function finalState(context: Context, cluster: Cluster, path: string): Promise<ProcState> {
  try {
    return await cluster.walk(path).proc().wait({ signal: context.signal });
  } catch (error) {
    if (isAboutTheEnd(toCircuitError(error))) context.situation = 'remote-after';
    throw error;
  }
}

/** The process was there and nobody can say how it ends, unlike one that was never found. */
function isAboutTheEnd(error: CircuitError): boolean {
  return isCircuitError(error, 'peer-gone') || isCircuitError(error, 'aborted') || isCircuitError(error, 'timeout');
}
