import { channelConformance } from '@circuit/channel/conformance';
import { expect, test } from 'vitest';
import { connectHttp2Tls } from '../support/http-transports.js';
import { checkNothingOpen } from '../support/nothing-open.js';

checkNothingOpen();
channelConformance({ transport: 'http2 over tls', test, expect, connect: connectHttp2Tls });
