import { readdirSync, readFileSync } from 'node:fs';
import { conformanceRows } from '@circuit/channel/conformance';
import { expect, test } from 'vitest';
import { notApplicable, pageTransports } from '../support/not-applicable.js';
import { nodeStreamRows, nodeStreamTransports } from '../support/node-stream-rows.js';

const here = new URL('.', import.meta.url);

/** The transports whose tests stand in this folder, as their files name them, and those of a page. */
function testedTransports(): string[] {
  const names: string[] = [...pageTransports];
  for (const file of readdirSync(here).filter((name) => name.endsWith('.test.ts'))) {
    if (file === 'suite.test.ts' || file === 'table.test.ts') continue;
    const text = readFileSync(new URL(file, here), 'utf8');
    if (!text.includes('channelConformance(')) continue;
    const name = /transport: ['`]([^'`$]+)/.exec(text)?.[1]?.replace(/ with seed $/, '');
    if (name === undefined) throw new Error(`${file} names no transport`);
    if (/notApplicable/.test(text) && !text.includes(`notApplicable: notApplicable['${name}']`)) {
      throw new Error(`${file}: what is not applicable stands in test/support/not-applicable.ts`);
    }
    names.push(name);
  }
  return names.sort();
}

function table(): string {
  const names = testedTransports();
  const reasons: string[] = [];
  const numberOf = (reason: string): number => reasons.indexOf(reason) + 1 || reasons.push(reason);
  const cell = (transport: string, row: string): string => {
    const reason = notApplicable[transport]?.[row];
    return reason === undefined ? 'yes' : `no (${numberOf(reason)})`;
  };
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const body = conformanceRows.map(({ name }) => line([name, ...names.map((transport) => cell(transport, name))]));
  const streams = nodeStreamRows.map(
    ({ name }) => `- ${name}: ${Object.keys(nodeStreamTransports).join(', ')}; the others carry the same byte streams`,
  );
  return [
    '# Conformance of the transports',
    '',
    'Every transport runs the rows of `@circuit/channel/conformance`. Made by `packages/channel/test/conformance/table.test.ts`',
    '(`npx vitest run FILE -u` writes it anew), which fails when it differs. "page" is one in headless Chromium.',
    '',
    line(['row', ...names]),
    line(['---', ...names.map(() => '---')]),
    ...body,
    '',
    reasons.length === 0 ? 'No row is not applicable to a transport.' : 'Not applicable, because:',
    ...reasons.map((reason, i) => `${i + 1}. ${reason}`),
    '',
    "Rows about Node's own streams, sockets and files:",
    ...streams,
    '',
  ].join('\n');
}

test('the table of transports and rows in the documents is that of the suite', async () => {
  await expect(table()).toMatchFileSnapshot('../../../../docs/conformance.md');
});

test('what is not applicable names a transport and a row that exist', () => {
  const rows = conformanceRows.map(({ name }) => name);
  for (const [transport, entries] of Object.entries(notApplicable)) {
    expect(testedTransports()).toContain(transport);
    for (const row of Object.keys(entries)) expect(rows).toContain(row);
  }
});
