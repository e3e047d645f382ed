import { closeSync, writeSync } from 'node:fs';
import { systemClock } from '@circuit/base';
import { keeperFiles } from './folder/process-files.js';
import { KeeperServer } from './keeper/keeper-server.js';
import { lineLogger } from './keeper/line-logger.js';
import { systemProcessTable } from './platform/process-table.js';
import { readKeeperArguments, readyFd } from './protocol/arguments.js';

/** The keeper process: started by the client with its arguments as one JSON text. */
async function main(): Promise<void> {
  const { folder, socketPath, segmentBytes, keepTotalBytes, bundle } = readKeeperArguments(process.argv[2]);
  const files = keeperFiles(folder);
  const logger = lineLogger(systemClock);
  process.on('uncaughtException', (error) => {
    logger.error('keeper ends', { error: error.stack ?? String(error) });
    process.exit(1);
  });
  const server = new KeeperServer({
    files,
    socketPath,
    bundle,
    segmentBytes,
    keepTotalBytes,
    table: systemProcessTable(),
    clock: systemClock,
    logger,
    ended: () => setImmediate(() => process.exit(0)),
  });
  await server.open();
  try {
    writeSync(readyFd, 'ready');
    closeSync(readyFd);
  } catch {
    // The daemon that started us is gone; the next one finds us by keeper.json.
  }
}

await main();
