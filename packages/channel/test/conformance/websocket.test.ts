import { channelConformance } from '@circuit/channel/conformance';
import { expect, test } from 'vitest';
import { connectWebSocket } from '../support/http-transports.js';
import { checkNothingOpen } from '../support/nothing-open.js';

checkNothingOpen();
channelConformance({ transport: 'websocket', test, expect, connect: connectWebSocket });
