import { channelConformance } from '@circuit/channel/conformance';
import { requires } from '@circuit/testkit';
import { expect, test } from 'vitest';
import { connectHttp2Proxied } from '../support/http-transports.js';
import { checkNothingOpen } from '../support/nothing-open.js';

if (requires('haproxy')) {
  checkNothingOpen();
  channelConformance({ transport: 'http2 through haproxy', test, expect, connect: connectHttp2Proxied });
} else {
  test.skip('http2 through haproxy', () => undefined);
}
