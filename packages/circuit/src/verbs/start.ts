import { fileURLToPath } from 'node:url';
import { CircuitError, onAbort } from '@circuit/base';
import { type Daemon, startDaemon } from '@circuit/daemon';
import { exitCodes, orThrow, parseAddress } from '@circuit/protocol';
import { lineLogger } from '../line-logger.js';
import { listenAt, securityOf } from '../start-rules.js';
import { parseAmount } from '../size.js';
import { usageError } from '../usage.js';
import type { Context, Verb } from '../verb.js';
import { version } from '../version.js';

/** The bundled keeper, beside the bundled command. */
const keeperBundlePath = fileURLToPath(new URL('keeper.mjs', import.meta.url));

/** Starts a server on this host. */
export const start: Verb = {
  usage: '',
  help: `
Starts a server and prints its circuit address, the only line on standard output. Without -a it listens on loopback, on a free port, and
admits who holds the key of this user, which the first start makes. On any other address a key must be named: -hmac FILE, CIRCUIT_HMAC.

It runs until SIGTERM, Ctrl-C or circuit suicide. Its processes go on without it and are taken back by the next start on the same state
folder; --kill ends them too.`,
  options: {
    addr: { type: 'text', short: 'a', value: 'HOST[:PORT]', help: 'listen here; 0.0.0.0 for all addresses' },
    join: { type: 'texts', short: 'j', value: 'ADDR', help: 'merge with the cluster of this server; may be repeated' },
    advertise: { type: 'text', value: 'HOST:PORT', help: 'the address that others reach it by' },
    var: { type: 'text', value: 'DIR', help: 'the state folder; default: the first free one of this user' },
    keep: {
      type: 'text',
      value: 'SIZE',
      help: 'output of processes kept on disk in all, such as 500MB, 2GiB or 20%; default: 10% of the disk',
    },
    hmac: { type: 'text', value: 'FILE', help: 'the key file (also: CIRCUIT_HMAC)' },
    insecure: { type: 'flag', help: 'no key and no encryption: whoever reaches the port may do everything' },
    discover: { type: 'text', value: 'GROUP', help: "only '' (off): discovery by multicast is not built yet" },
    name: { type: 'text', value: 'NAME', help: 'a name for people' },
    label: { type: 'texts', value: 'KEY=VALUE', help: 'a label; may be repeated' },
    dc: { type: 'text', value: 'NAME', help: 'the data centre' },
    kill: { type: 'flag', help: 'at its end, end its processes too' },
    'until-eof': { type: 'flag', help: 'end when standard input does' },
    verbose: { type: 'flag', short: 'v', help: 'log more, to standard error' },
  },
  arity: [0, 0],
  async run(context) {
    const { io, line } = context;
    if ((line.text('discover') ?? '') !== '')
      throw new CircuitError('unsupported', "discovery by multicast is not built yet: use -j ADDR, and -discover ''");
    for (const addr of line.texts('join')) orThrow(parseAddress(addr));
    const addr = listenAt(line.text('addr'));
    const labels = labelsOf(line.texts('label'));
    const keep = line.text('keep');
    const advertise = line.text('advertise');
    const advertised = advertise === undefined ? undefined : listenAt(advertise);
    const logger = lineLogger((text) => io.say(text), line.flag('verbose'));
    const security = await securityOf(addr.host, {
      keyFile: line.text('hmac'),
      insecure: line.flag('insecure'),
      env: io.env,
      warn: (text) => logger.warn(text),
    });
    const stateFolder = line.text('var');
    const daemon = await startDaemon({
      addr,
      ...(advertised === undefined ? {} : { advertise: advertised }),
      security,
      ...(stateFolder === undefined ? {} : { stateFolder }),
      keeperBundlePath,
      ...(keep === undefined ? {} : { keep: parseAmount(keep) }),
      join: line.texts('join'),
      name: line.text('name') ?? '',
      labels,
      dc: line.text('dc') ?? '',
      version,
      logger,
    });
    return serve(context, daemon);
  },
};

/** Prints the address and waits for the end, however it is asked for. */
async function serve({ io, line, signal }: Context, daemon: Daemon): Promise<number> {
  const kill = line.flag('kill');
  const end = (): void => void daemon.close({ kill });
  const release = onAbort(signal, end);
  try {
    await io.write(`${daemon.address}\n`);
    if (line.flag('until-eof')) void drained(io.stdin).then(end);
    await daemon.closed;
    // By a suicide the processes are left alone unless this start was asked to end them.
    await daemon.close({ kill });
    return exitCodes.done;
  } finally {
    release();
  }
}

async function drained(stream: AsyncIterable<Uint8Array>): Promise<void> {
  try {
    for await (const chunk of stream) if (chunk.length < 0) return;
  } catch {
    // An error is an end as well.
  }
}

function labelsOf(texts: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    texts.map((text) => {
      const at = text.indexOf('=');
      if (at < 1) throw usageError(`label ${text}: write KEY=VALUE`);
      return [text.slice(0, at), text.slice(at + 1)];
    }),
  );
}
