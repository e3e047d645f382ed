import { toCircuitError, errorRecord } from '@circuit/base';
import { createServer } from 'node:net';
import { StateFolder } from '../../src/state/state-folder.js';

// A daemon that does nothing but hold its folder: takes it, binds its socket, says so, and gives it back at the end of stdin.
const [folder] = process.argv.slice(2);
try {
  const state = await StateFolder.open({ folder });
  const server = createServer().listen(state.socketPath);
  server.on('listening', () => process.stdout.write(`${JSON.stringify({ path: state.path })}\n`));
  process.stdin.on('end', () => {
    server.close();
    void state.close();
  });
  process.stdin.resume();
} catch (error) {
  process.stdout.write(`${JSON.stringify({ error: errorRecord(toCircuitError(error)) })}\n`);
}
