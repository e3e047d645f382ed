import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Scope } from '@circuit/base';
import { programPath, requires } from '@circuit/testkit';
import { chromium } from 'playwright-core';
import { expect, test } from 'vitest';
import { bundle } from '../support/bundle.js';
import { chromiumArgs } from '../support/chromium.js';
import { startProcess } from '../support/process.js';

const examples = '../../examples/channels/browser';
const page = readFileSync(new URL('../../../../docs/channels.md', import.meta.url), 'utf8');
const portOf = (line: string): string => /port: (\d+)/.exec(line)?.[1] ?? `no port in ${line}`;

test('the three programs on the page are those of the example', () => {
  for (const name of ['worker', 'server', 'page']) {
    const program = readFileSync(new URL(`../../../../examples/channels/browser/${name}.ts`, import.meta.url), 'utf8');
    expect(page).toContain(`\`\`\`ts\n${program}\`\`\`\n`);
  }
});

test.skipIf(!requires('chromium'))('a page talks to a worker behind two hops, and back', async () => {
  const scope = new Scope();
  try {
    const folder = mkdtempSync(join(tmpdir(), 'page-'));
    scope.defer(() => rmSync(folder, { recursive: true }));
    const script = join(folder, 'page.js');
    writeFileSync(script, (await bundle(`${examples}/page.ts`, { platform: 'browser' })).code);
    const worker = await startProcess(`../../${examples}/worker.ts`, ['0']);
    scope.defer(() => worker.kill());
    const server = await startProcess(`../../${examples}/server.ts`, [script, portOf(worker.line), '0']);
    scope.defer(() => server.kill());
    const browser = await chromium.launch({ executablePath: programPath('chromium') ?? '', args: chromiumArgs });
    scope.defer(() => browser.close());
    const tab = await browser.newPage();
    await tab.goto(`http://127.0.0.1:${portOf(server.line)}/`);
    await tab.waitForFunction("document.body.innerText.includes('done')");
    expect(await tab.innerText('body')).toBe('1 2 3 done');
  } finally {
    await scope.close();
  }
});
