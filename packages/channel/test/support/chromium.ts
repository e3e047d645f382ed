import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Scope } from '@circuit/base';
import { programPath } from '@circuit/testkit';
import { chromium, type Page } from 'playwright-core';
import { bundle } from './bundle.js';

/** A page in a browser of its own, from a server of its own. */
export interface OpenPage {
  readonly page: Page;
  readonly server: Server;
  readonly port: number;
  /** Calls what the page has under that name in `calls`. */
  call(name: string, ...args: readonly string[]): Promise<unknown>;
  close(): Promise<void>;
}

/** A browser without a window that reaches this machine only. */
export const chromiumArgs = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
];

/** Opens a page that runs `scripts[0]`; all `scripts` of `test/browser/page` are served, bundled, under their own names. */
export async function openPage(scripts: readonly string[]): Promise<OpenPage> {
  const scope = new Scope();
  const files = new Map<string, string>([
    ['/', `<!doctype html><title>channels</title><script type="module" src="/${scripts[0]}.js"></script>`],
  ]);
  for (const script of scripts) {
    const { code } = await bundle(`test/browser/page/${script}.ts`, { platform: 'browser' });
    files.set(`/${script}.js`, code);
  }
  const server = createServer((request, response) => {
    const file = files.get(request.url ?? '');
    const type = request.url === '/' ? 'text/html' : 'text/javascript';
    response.writeHead(file === undefined ? 404 : 200, { 'Content-Type': type }).end(file);
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  scope.defer(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  );
  const { port } = server.address() as AddressInfo;
  const browser = await chromium.launch({ executablePath: programPath('chromium') ?? 'chromium', args: chromiumArgs });
  scope.defer(() => browser.close());
  const page = await browser.newPage();
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(error.stack ?? error.message));
  await page.goto(`http://127.0.0.1:${port}/`);
  await page.waitForFunction('globalThis.calls !== undefined');
  return {
    page,
    server,
    port,
    async call(name, ...own) {
      const result = await page.evaluate(`calls[${JSON.stringify(name)}](...${JSON.stringify(own)})`);
      // What nobody in the page caught is a failure of the call during which it came up.
      if (faults.length > 0) throw new Error(`uncaught in the page: ${faults.splice(0).join('\n')}`);
      return result;
    },
    close: () => scope.close(),
  };
}
