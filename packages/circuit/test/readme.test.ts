import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { testCluster } from 'circuit/testing';
import { expect, test } from 'vitest';

const at = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url));

test("the README's program is the one in examples, and it runs", async () => {
  const readme = await readFile(at('README.md'), 'utf8');
  const shown = /```ts\n([^]*?)```/.exec(readme)?.[1];
  expect(shown).toBe(await readFile(at('examples/sort-everywhere.ts'), 'utf8'));

  const folder = await mkdtemp(join(tmpdir(), 'circuit-readme-'));
  await using cluster = await testCluster({ nodes: 3 });
  try {
    await writeFile(join(folder, 'addr'), cluster.addr);
    const env = { ...process.env, CIRCUIT: join(folder, 'addr'), CIRCUIT_HMAC: cluster.keyFile };
    const { stdout } = await promisify(execFile)(process.execPath, [at('examples/dist/sort-everywhere.js')], { env });
    expect(stdout).toBe('a\nb\n 0\n'.repeat(3));
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('the demo counts on three servers and finds the same as one machine without the circuit', async () => {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [at('examples/dist/word-count.js')], {
    cwd: at('.'),
  });
  expect(stdout).toMatch(/\n\d+ files, \d+ bytes, \d+ parcels, 3 servers, [\d.]+ seconds\n/);
  expect(Number(/(\d+) parcels/.exec(stdout)?.[1])).toBeLessThanOrEqual(64);
  expect(stdout).toContain('the same tools on one machine, without the circuit, say the same');
  expect(stderr).toBe('');
});
