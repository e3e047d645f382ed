import { abortError, onAbort } from '@circuit/base';
import { startForward } from '@circuit/client/node';
import { exitCodes, formatSocketTarget } from '@circuit/protocol';
import { forwardTarget, listenPlaces } from '../forward-rules.js';
import { clusterOptions, type Verb } from '../verb.js';

/** Makes a port here of what a server can reach. */
export const forward: Verb = {
  usage: '[LISTEN] /X…:HOST:PORT | /X…:unix:PATH',
  help: `
Listens on LISTEN and carries every connection to HOST:PORT, or to the socket file PATH, as the server /X… reaches them: the server itself
looks the name up and dials. LISTEN is [HOST:]PORT or unix:PATH; without it the same port on 127.0.0.1, or a free one where that is taken.
The address is printed, the only line on standard output. HOST must be loopback: --public allows others, and then everybody who
reaches the port reaches what is behind it. Needs the full key.

The port stays open while the server is away: connections of that time are reset at once. "away" and "back" are told on standard error, as
is every connection that could not be carried. Ends by Ctrl-C or SIGTERM with 0.`,
  options: {
    public: { type: 'flag', help: 'listen on an address that other machines can reach' },
    ...clusterOptions,
  },
  arity: [1, 2],
  async run(context) {
    const { args, io, line, signal } = context;
    const { server, to } = forwardTarget(args.at(-1) ?? '');
    const listen = listenPlaces(args.length === 2 ? args[0] : undefined, to, line.flag('public'));
    const say = (text: string): void => io.say(`circuit: forward: ${text}`);
    const forwarding = await startForward({
      connect: (options) => context.dial(options),
      server,
      to: formatSocketTarget(to),
      listen,
      onState: (state) => say(state.type === 'back' ? `${server}: back` : `${server}: away: ${state.error.message}`),
      onFailure: ({ from, error }) => say(`${from}: not carried: ${error.message}`),
      signal,
    });
    try {
      await io.write(`${formatSocketTarget(forwarding.address)}\n`);
      await new Promise<void>((resolve) => void onAbort(signal, resolve));
      // To be ended is how it ends; only a time limit, or a closed terminal, is told.
      const reason = abortError(signal);
      if (reason.detail === 'SIGINT' || reason.detail === 'SIGTERM') return exitCodes.done;
      throw reason;
    } finally {
      await forwarding.close();
    }
  },
};
