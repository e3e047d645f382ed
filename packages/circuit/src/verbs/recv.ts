import { CircuitError } from '@circuit/base';
import { onePath } from '../targets.js';
import { clusterOptions, type Verb } from '../verb.js';
import { jsonLine } from '../json-line.js';

/** Receives one message. */
export const recv: Verb = {
  usage: 'PATH',
  help: `
Takes the next message from the channel at PATH and prints its bytes as they come; a value that a program sent is printed as one line
of JSON. One that holds channels stays where it is: only a program can take it.`,
  options: clusterOptions,
  arity: [1, 1],
  async run(context) {
    const { args, io, signal } = context;
    const path = onePath(args[0] ?? '');
    const cluster = await context.connect();
    const message = await cluster.walk(path).chan().openRecv({ signal });
    if (message.redelivered)
      io.say(`circuit: recv: ${path}: this message was handed out before, to a receiver that went away`);
    try {
      if (message.kind === 'bytes') {
        // The end is acknowledged only behind the last write.
        for (;;) {
          const chunk = await message.read({ signal });
          if (chunk === undefined) return 0;
          await io.write(chunk);
        }
      }
      const line = jsonLine(message.held);
      if (line === undefined) {
        const why = 'the message holds channels';
        await message.refuse(why, { signal });
        throw new CircuitError('conflict', `${path}: ${why}: receive it with a program`, { detail: 'holds-channels' });
      }
      await io.write(line);
      await message.value({ signal });
      return 0;
    } catch (error) {
      message.cancel(error);
      throw error;
    }
  },
};
