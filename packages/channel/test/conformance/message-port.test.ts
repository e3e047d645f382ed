import { channelConformance } from '@circuit/channel/conformance';
import { expect, test } from 'vitest';
import { checkNothingOpen } from '../support/nothing-open.js';
import { connectPorts } from '../support/port-transports.js';

checkNothingOpen();
channelConformance({ transport: 'message-port', test, expect, connect: connectPorts });
