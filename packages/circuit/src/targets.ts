import type { CircuitError } from '@circuit/base';
import { CircuitError as Failure } from '@circuit/base';
import type { Cluster } from '@circuit/client/node';
import { type Entry, exitCodes, isGlob, orThrow, parsePath } from '@circuit/protocol';
import type { Context } from './verb.js';

/** The anchors that an argument selects. */
export interface Targets {
  readonly entries: readonly Entry[];
  /** Whether it was a pattern: then there may be more than one. */
  readonly pattern: boolean;
  /** The exit code if everything else goes well: 6 when a server did not answer. */
  readonly code: number;
}

/** A path as it is, a pattern expanded over the cluster. A pattern without a match is `not-found`. */
export async function targets(context: Context, cluster: Cluster, argument: string): Promise<Targets> {
  if (!isGlob(argument)) {
    const { text } = orThrow(parsePath(argument));
    return { entries: [{ path: text, hasChildren: false }], pattern: false, code: exitCodes.done };
  }
  const failures = new Failures(context);
  const entries: Entry[] = [];
  for await (const entry of cluster.list(argument, {
    long: true,
    signal: context.signal,
    onFailure: failures.onServer,
  }))
    entries.push(entry);
  if (entries.length === 0 && failures.code === exitCodes.done) throw noMatch(argument);
  return { entries, pattern: true, code: failures.code };
}

/** The processes among what was selected. A pattern that selects none is `not-found`; what a path names is found out by using it. */
export function processes({ entries, pattern, code }: Targets, argument: string): readonly Entry[] {
  if (!pattern) return entries;
  const found = entries.filter(({ kind }) => kind === 'proc');
  if (found.length === 0 && code === exitCodes.done)
    throw new Failure('not-found', `${argument}: no process matches: circuit ls -l /... shows them all`);
  return found;
}

/** The error of a pattern that selects nothing. */
export function noMatch(pattern: string): CircuitError {
  return new Failure('not-found', `${pattern}: no anchor matches: circuit ls /... shows them all`);
}

/** Tells of what failed among many, and what that means for the exit code. */
export class Failures {
  readonly #context: Context;
  #count = 0;

  constructor(context: Context) {
    this.#context = context;
  }

  get code(): number {
    return this.#count === 0 ? exitCodes.done : exitCodes.partial;
  }

  readonly onServer = (serverId: string, error: CircuitError): void => this.on(`/${serverId}`, error);

  on(what: string, error: CircuitError): void {
    this.#count++;
    this.#context.io.say(`circuit: ${what}: ${error.message}`);
  }
}

/**
 * Does `act` for every target, at most 16 at once. For a plain path its failure is the command's; for a pattern each failure is told, the rest
 * goes on, and the code is 6.
 */
export async function forEach(
  context: Context,
  { entries, pattern, code }: Targets,
  act: (entry: Entry) => Promise<void>,
): Promise<number> {
  const [only] = entries;
  if (!pattern && only !== undefined) {
    await act(only);
    return code;
  }
  const failures = new Failures(context);
  const waiting = entries.values();
  const worker = async (): Promise<void> => {
    for (const entry of waiting) {
      try {
        await act(entry);
      } catch (error) {
        if (context.signal.aborted) throw error;
        failures.on(entry.path, error as CircuitError);
      }
    }
  };
  await Promise.all(Array.from({ length: 16 }, worker));
  return Math.max(code, failures.code);
}

/** The path of one anchor; a pattern is a usage error here. */
export function onePath(argument: string): string {
  return orThrow(parsePath(argument)).text;
}
