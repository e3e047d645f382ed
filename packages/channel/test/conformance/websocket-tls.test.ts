import { channelConformance } from '@circuit/channel/conformance';
import { expect, test } from 'vitest';
import { connectWebSocketTls } from '../support/http-transports.js';
import { checkNothingOpen } from '../support/nothing-open.js';

checkNothingOpen();
channelConformance({ transport: 'websocket over tls', test, expect, connect: connectWebSocketTls });
