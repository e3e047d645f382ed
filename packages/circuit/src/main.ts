import { CircuitError } from '@circuit/base';
import { processIo } from './process-io.js';
import { runCommand } from './run-command.js';

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    // The second one does not wait for what the first began.
    if (stop.signal.aborted) process.exit(signal === 'SIGINT' ? 130 : 143);
    stop.abort(new CircuitError('cancelled', `ended by ${signal}`, { detail: signal }));
  });
}

process.exit(await runCommand(process.argv.slice(2), processIo(stop.signal)));
