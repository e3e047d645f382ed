import { runRows } from '@circuit/channel/conformance';
import { expect, test } from 'vitest';
import { checkNothingOpen } from '../support/nothing-open.js';
import { nodeStreamRows } from '../support/node-stream-rows.js';
import { transports } from '../support/transports.js';

checkNothingOpen();
for (const [transport, connect] of Object.entries(transports))
  runRows(nodeStreamRows, { transport, test, expect, connect });
