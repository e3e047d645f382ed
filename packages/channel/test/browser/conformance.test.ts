import { conformanceRows } from '@circuit/channel/conformance';
import { requires } from '@circuit/testkit';
import { afterAll, beforeAll, test } from 'vitest';
import { type OpenPage, openPage } from '../support/chromium.js';
import { joinWebSockets } from '../support/join-websockets.js';

const skip = !requires('chromium');
let page: OpenPage | undefined;

beforeAll(async () => {
  if (skip) return;
  page = await openPage(['conformance', 'joining-worker']);
  joinWebSockets(page.server);
});

afterAll(() => page?.close());

for (const transport of ['page to web worker', 'page to server by WebSocket']) {
  for (const { name } of conformanceRows) {
    test.skipIf(skip)(`${transport}: ${name}`, async () => {
      await page?.call('runRow', transport, name);
    });
  }
}
