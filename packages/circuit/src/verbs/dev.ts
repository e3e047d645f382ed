import { ensureKeyFile, defaultKeyPath } from '@circuit/keys';
import { orAborted } from '@circuit/base';
import { DevCluster } from '../dev-cluster.js';
import { usageError } from '../usage.js';
import type { Verb } from '../verb.js';

/** A throw-away cluster on this machine. */
export const dev: Verb = {
  usage: '',
  help: `
Starts a cluster of servers on this machine, each a process with an address of its own, and prints one address a line. Ctrl-C (or SIGTERM)
ends them and every process they hold, and removes what they wrote. They take the key of this user.`,
  options: {
    nodes: { type: 'text', short: 'n', value: 'N', help: 'how many servers; 3 by default' },
    hmac: { type: 'text', value: 'FILE', help: 'another key file (also: CIRCUIT_HMAC)' },
  },
  arity: [0, 0],
  async run({ io, line, signal }) {
    const nodes = line.text('nodes') ?? '3';
    if (!/^[1-9]\d?$/.test(nodes)) throw usageError(`--nodes ${nodes}: write a number from 1 to 64`);
    const named = line.text('hmac') ?? (io.env['CIRCUIT_HMAC'] || undefined);
    const keyFile = named ?? (await ensureKeyFile(defaultKeyPath({ env: io.env }))).path;
    const cluster = await DevCluster.start({
      nodes: Number(nodes),
      keyFile,
      signal,
      onLine: (server, text) => io.say(`${server + 1} ${text}`),
    });
    try {
      for (const address of cluster.addresses) await io.write(`${address}\n`);
      // The first that ends of the servers does not end the others: that is what such a cluster is for.
      await orAborted(cluster.ended, signal);
      return 0;
    } finally {
      await cluster.close();
    }
  },
};
