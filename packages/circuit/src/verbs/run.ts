import { randomBytes } from 'node:crypto';
import { join, split } from '@circuit/protocol';
import { endedOutcome } from '../outcome.js';
import { onePath } from '../targets.js';
import { usageError } from '../usage.js';
import { clusterOptions, type Verb } from '../verb.js';

/** Runs a command from start to end. */
export const run: Verb = {
  usage: 'PATH COMMAND [ARGUMENT...]',
  help: `
Starts COMMAND on the server of PATH, passes standard input to it and its output back as it comes, exits with its code and removes the
element. PATH is the anchor to use, or a server: then a free name is chosen. Ctrl-C ends the command and everything it started.

Exits with the code of COMMAND, 128 + n for signal n; 124 too late, 125 not begun, 126 not executable, 127 not found, 255 link lost: the
command may still run. With -o json the last line on standard error is JSON and says how it ended, with an Outcome: ended, not-begun,
deadline, aborted, unknown.`,
  options: {
    dir: { type: 'text', value: 'DIR', help: 'the working directory on the server' },
    env: { type: 'texts', value: 'NAME=VALUE', help: 'replace the environment by the ones given' },
    'no-stdin': { type: 'flag', short: 'n', help: 'give the command an empty standard input' },
    output: { type: 'text', short: 'o', value: 'FORMAT', help: 'json: say on standard error how it ended' },
    ...clusterOptions,
  },
  outcome: 'writeError',
  arity: [2, Infinity],
  leading: 2,
  async run(context) {
    const { args, io, line, signal } = context;
    const [where = '', path = '', ...rest] = args;
    const target = onePath(where);
    const anchor = split(target).length === 1 ? join(target, `run-${randomBytes(4).toString('hex')}`) : target;
    const dir = line.text('dir');
    const format = line.text('output');
    if (format !== undefined && format !== 'json') throw usageError(`format ${format}: run knows json only`);
    const env = line.flag('env') ? line.texts('env') : undefined;
    const cluster = await context.connect();
    const { exitCode, state } = await cluster.run(
      anchor,
      { path, args: rest, ...(dir === undefined ? {} : { dir }), ...(env === undefined ? {} : { env }) },
      {
        stdin: line.flag('no-stdin') ? undefined : io.stdin,
        stdout: (chunk) => io.write(chunk),
        stderr: (chunk) => io.writeError(chunk),
        onStart: () => {
          context.situation = 'remote-after';
        },
        signal,
      },
    );
    if (format !== undefined) await io.writeError(`${JSON.stringify(endedOutcome(state))}\n`);
    return exitCode;
  },
};
