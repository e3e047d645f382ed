import { channelConformance } from '@circuit/channel/conformance';
import { expect, test } from 'vitest';
import { connectBrowserWebSocket } from '../support/http-transports.js';
import { checkNothingOpen } from '../support/nothing-open.js';

checkNothingOpen();
channelConformance({ transport: 'websocket of a browser', test, expect, connect: connectBrowserWebSocket });
