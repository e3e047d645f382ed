import { toCircuitError } from '@circuit/base';
import type { Cluster } from '@circuit/client/node';
import { exitCodeOfProc, exitCodes } from '@circuit/protocol';
import { Printer } from './print.js';
import { Failures } from './targets.js';
import type { Context } from './verb.js';

/** Waits for every process, prints each state as it ends. 0 if all ended with 0, else 6; what is no process counts as failed. */
export async function waitForAll(context: Context, cluster: Cluster, paths: readonly string[]): Promise<number> {
  const printer = new Printer(context);
  const failures = new Failures(context);
  const codes: number[] = [];
  await Promise.all(
    paths.map(async (path) => {
      try {
        const state = await cluster.walk(path).proc().wait({ signal: context.signal });
        codes.push(exitCodeOfProc(state));
        const json = { path, ...state };
        await printer.row({ name: path, text: JSON.stringify(json), json });
      } catch (error) {
        if (context.signal.aborted) throw error;
        failures.on(path, toCircuitError(error));
      }
    }),
  );
  await printer.end();
  return codes.every((code) => code === 0) ? failures.code : exitCodes.partial;
}
