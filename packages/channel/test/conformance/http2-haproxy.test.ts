import { channelConformance } from '@circuit/channel/conformance';
import { requires } from '@circuit/testkit';
import { describe, expect, test } from 'vitest';
import { connectHttp2Proxied } from '../support/http-transports.js';
import { checkNothingOpen } from '../support/nothing-open.js';

describe.skipIf(!requires('haproxy'))('through a proxy', () => {
  checkNothingOpen();
  channelConformance({ transport: 'http2 through haproxy', test, expect, connect: connectHttp2Proxied });
});
