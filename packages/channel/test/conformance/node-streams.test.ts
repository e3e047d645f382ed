import { runRows } from '@circuit/channel/conformance';
import { expect, test } from 'vitest';
import { describeEach } from '../support/every-transport.js';
import { checkNothingOpen } from '../support/nothing-open.js';
import { nodeStreamRows, nodeStreamTransports } from '../support/node-stream-rows.js';

checkNothingOpen();
describeEach(nodeStreamTransports, (transport, connect) => {
  runRows(nodeStreamRows, { transport, test, expect, connect });
});
