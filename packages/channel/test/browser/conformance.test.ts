import { conformanceRows } from '@circuit/channel/conformance';
import { requires } from '@circuit/testkit';
import { afterAll, beforeAll, test, vi } from 'vitest';
import { type OpenPage, openPage } from '../support/chromium.js';
import { joinWebSockets } from '../support/join-websockets.js';

const skip = !requires('chromium');
// A hang guard: 40,000 hops between three processes, one after the other, take 12 s on an idle machine and minutes on a busy one.
vi.setConfig({ testTimeout: 600_000 });
let page: OpenPage | undefined;

beforeAll(async () => {
  if (skip) return;
  page = await openPage(['conformance', 'joining-worker']);
  joinWebSockets(page.server);
});

afterAll(() => page?.close());

/** What a page leaves out, so that it has less to load; there is nothing wrong with it otherwise. */
const leftOut: Readonly<Record<string, string>> = {
  'ends handed on over another session to the process they are from go on without who handed them on':
    'a page takes no end home: it goes on through the other side',
  'ends that come home go on without the other side': 'a page takes no end home: it goes on through the other side',
};

for (const transport of ['page to web worker', 'page to server by WebSocket']) {
  for (const { name } of conformanceRows) {
    const reason = leftOut[name];
    const title = `${transport}: ${name}${reason === undefined ? '' : ` (not applicable: ${reason})`}`;
    test.skipIf(skip || reason !== undefined)(title, async () => {
      await page?.call('runRow', transport, name);
    });
  }
}
