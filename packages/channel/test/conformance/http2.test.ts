import { channelConformance } from '@circuit/channel/conformance';
import { expect, test } from 'vitest';
import { connectHttp2 } from '../support/http-transports.js';
import { checkNothingOpen } from '../support/nothing-open.js';

checkNothingOpen();
channelConformance({ transport: 'http2', test, expect, connect: connectHttp2 });
