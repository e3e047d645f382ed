import { orThrow, parseCmd } from '@circuit/protocol';
import { readText } from '../read-text.js';
import { parseSize } from '../size.js';
import { onePath } from '../targets.js';
import { clusterOptions, type Verb } from '../verb.js';

/** Starts a process. */
export const mkproc: Verb = {
  usage: 'PATH',
  help: `
Starts a process on the server of PATH and puts it there. Standard input describes it:

  {"Path": "/bin/ls", "Args": ["-l"], "Env": ["A=1"], "Dir": "/tmp", "Scrub": false, "Backpressure": false}

Only Path is needed. Env replaces the environment of the server. Scrub removes the element at the end of the process. With
Backpressure the process waits for a reader of its output, else the output is kept on the server: the last 1 GiB, or --keep SIZE, which
"KeepBytes": NUMBER says as well.`,
  options: {
    scrub: { type: 'flag', help: 'remove the element at the end of the process' },
    keep: { type: 'text', value: 'SIZE', help: 'how much of its output is kept, such as 500MB or 2GiB' },
    ...clusterOptions,
  },
  arity: [1, 1],
  async run(context) {
    const { args, line, signal } = context;
    const path = onePath(args[0] ?? '');
    const keep = line.text('keep');
    const keepBytes = keep === undefined ? undefined : parseSize(keep);
    const given = orThrow(parseCmd(await readText(context)));
    const cmd = {
      ...given,
      ...(line.flag('scrub') ? { scrub: true } : {}),
      ...(keepBytes === undefined ? {} : { keepBytes }),
    };
    const cluster = await context.connect();
    await cluster.walk(path).makeProc(cmd, { signal });
    return 0;
  },
};
