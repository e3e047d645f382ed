import { runRows } from '@circuit/channel/conformance';
import { expect, test } from 'vitest';
import { checkNothingOpen } from '../support/nothing-open.js';
import { nodeStreamRows, nodeStreamTransports } from '../support/node-stream-rows.js';

checkNothingOpen();
for (const [transport, connect] of Object.entries(nodeStreamTransports))
  runRows(nodeStreamRows, { transport, test, expect, connect });
