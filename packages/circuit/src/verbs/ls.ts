import { comparePaths, type Entry, exitCodes, isGlob, paddedKind } from '@circuit/protocol';
import { Printer } from '../print.js';
import { Failures, noMatch } from '../targets.js';
import { clusterOptions, formatOption, type Verb } from '../verb.js';

/** Lists anchors. */
export const ls: Verb = {
  usage: '[PATH]',
  help: `
The anchors right below PATH (the servers, for / or no PATH), one full path a line. A pattern lists what matches: * stands for
part of a name, /... at the end for everything below.`,
  options: {
    long: { type: 'flag', short: 'l', help: 'begin each line with the kind of the element' },
    depth: { type: 'flag', help: 'leaves first' },
    ...formatOption,
    ...clusterOptions,
  },
  arity: [0, 1],
  async run(context) {
    const { args, line, signal } = context;
    const [pattern = '/'] = args;
    const long = line.flag('long');
    const printer = new Printer(context);
    const failures = new Failures(context);
    const cluster = await context.connect();
    const listing = cluster.list(pattern, { long, signal, onFailure: failures.onServer });
    const print = (entry: Entry): Promise<void> =>
      printer.row({
        name: entry.path,
        text: long ? paddedKind(entry.kind) + entry.path : entry.path,
        json: entryJson(entry, long),
      });
    let found = 0;
    const held: Entry[] = [];
    for await (const entry of listing) {
      found++;
      if (line.flag('depth')) held.push(entry);
      else await print(entry);
    }
    for (const entry of held.sort((a, b) => leavesFirst(a.path, b.path))) await print(entry);
    if (found === 0 && isGlob(pattern) && failures.code === exitCodes.done) throw noMatch(pattern);
    await printer.end();
    return failures.code;
  },
};

function entryJson({ path, kind, hasChildren }: Entry, long: boolean): unknown {
  return long ? { path, kind: kind ?? null, hasChildren } : { path, hasChildren };
}

/** Orders a tree so that everything below an anchor comes before it. */
export function leavesFirst(a: string, b: string): number {
  if (a === b) return 0;
  if (a.startsWith(`${b}/`)) return -1;
  if (b.startsWith(`${a}/`)) return 1;
  return comparePaths(a, b);
}
