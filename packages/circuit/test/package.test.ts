import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const folder = fileURLToPath(new URL('..', import.meta.url));

test('what npm gets holds the command, the keeper and the native parts, as they were built', async () => {
  const printed = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [{ files }] = JSON.parse(String(printed)) as [{ files: { path: string }[] }];
  const native = ['linux-arm64', 'linux-x64'].map((system) => `native/prebuilt/${system}/circuit.node`);
  const paths = files.map(({ path }) => path);
  expect(paths).toEqual(expect.arrayContaining(['bin/circuit.js', 'dist/command/keeper.mjs', ...native]));
  for (const path of native) {
    const [copied, built] = await Promise.all([folder, `${folder}/../channel`].map((at) => readFile(`${at}/${path}`)));
    expect(copied, path).toStrictEqual(built);
  }
});
