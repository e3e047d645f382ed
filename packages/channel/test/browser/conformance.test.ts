import { conformanceRows } from '@circuit/channel/conformance';
import { requires } from '@circuit/testkit';
import { afterAll, beforeAll, test, vi } from 'vitest';
import { type OpenPage, openPage } from '../support/chromium.js';
import { joinWebSockets } from '../support/join-websockets.js';
import { notApplicable, pageTransports } from '../support/not-applicable.js';

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

for (const transport of pageTransports) {
  for (const { name } of conformanceRows) {
    const reason = notApplicable[transport]?.[name];
    const title = `${transport}: ${name}${reason === undefined ? '' : ` (not applicable: ${reason})`}`;
    test.skipIf(skip || reason !== undefined)(title, async () => {
      await page?.call('runRow', transport, name);
    });
  }
}
