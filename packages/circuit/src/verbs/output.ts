import { exitCodes, type OutputStream } from '@circuit/protocol';
import { processes, targets } from '../targets.js';
import { usageError } from '../usage.js';
import { clusterOptions, type Verb } from '../verb.js';

/** Prints the standard output of a process. */
export const stdout: Verb = output('stdout');

/** Prints the standard error of a process, to standard output. */
export const stderr: Verb = output('stderr');

function output(stream: OutputStream): Verb {
  return {
    usage: 'PATH',
    help: `
Copies what the process at PATH has written to its ${stream}, and goes on as it writes, until it closes the stream. Bytes that are no
longer kept are told on standard error, and the exit code is then 6. A pattern prints one process after the other.`,
    options: {
      offset: { type: 'text', value: 'N', help: 'begin at byte N of all it ever wrote, or at "end"' },
      'no-follow': { type: 'flag', help: 'only what is there now' },
      ...clusterOptions,
    },
    arity: [1, 1],
    async run(context) {
      const { args, io, line, signal } = context;
      const offset = readOffset(line.text('offset'));
      const cluster = await context.connect();
      const chosen = await targets(context, cluster, args[0] ?? '');
      let { code } = chosen;
      for (const { path } of processes(chosen, args[0] ?? '')) {
        const onGap = ({ from, to }: { from: number; to: number }): void => {
          code = exitCodes.partial;
          io.say(`circuit: ${stream}: ${path}: bytes ${from}–${to} are no longer kept`);
        };
        const reading = cluster
          .walk(path)
          .proc()
          [stream].open({ offset, follow: !line.flag('no-follow'), onGap, signal });
        for await (const chunk of reading) await io.write(chunk);
      }
      return code;
    },
  };
}

function readOffset(text: string | undefined): number | 'end' | undefined {
  if (text === undefined || text === 'end') return text;
  if (!/^\d{1,15}$/.test(text)) throw usageError(`offset ${text}: write a number of bytes, or end`);
  return Number(text);
}
