import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { programPath } from '@circuit/testkit';
import { expect, test } from 'vitest';
import type { Native } from '../../src/native/native.js';

const native = fileURLToPath(new URL('../../native', import.meta.url));
const script = fileURLToPath(new URL('../../../../scripts/build-native.sh', import.meta.url));

function sourceHash(): string {
  const names = readdirSync(native);
  const sources = ['.c', '.h'].flatMap((end) => names.filter((name) => name.endsWith(end)).sort());
  return createHash('sha256')
    .update(Buffer.concat(sources.map((name) => readFileSync(join(native, name)))))
    .digest('hex');
}

test('every binary that is committed was built from the sources that are', () => {
  const built = readdirSync(join(native, 'prebuilt'));
  expect(built.sort()).toStrictEqual(['linux-arm64', 'linux-x64']);
  for (const system of built) {
    const folder = join(native, 'prebuilt', system);
    expect(readFileSync(join(folder, 'source.sha256'), 'utf8').trim(), system).toBe(sourceHash());
    // Of that for arm64 most are zeros: its pages may be of 64 KiB.
    expect(statSync(join(folder, 'circuit.node')).size).toBeLessThan(69_632);
  }
});

/** Says what is missing. Not an error anywhere: nobody but who changes the C needs to build it. */
function canBuild(): boolean {
  const include = process.env.NODE_INCLUDE ?? resolve(process.execPath, '../../include/node');
  const missing = [
    ...['gcc', 'bash'].filter((name) => programPath(name) === undefined),
    ...(existsSync(join(include, 'node_api.h')) ? [] : [`node_api.h in ${include}`]),
  ];
  if (missing.length > 0) console.log(`skipped: needs ${missing.join(', ')}`);
  return missing.length === 0;
}

test.skipIf(!canBuild())('scripts/build-native.sh makes what can be loaded', () => {
  const folder = mkdtempSync(join(tmpdir(), 'native-'));
  execFileSync('bash', [script, folder], { stdio: ['ignore', 'ignore', 'inherit'] });
  const made = join(folder, `${process.platform}-${process.arch}`);
  expect(readFileSync(join(made, 'source.sha256'), 'utf8').trim()).toBe(sourceHash());
  const loaded = createRequire(import.meta.url)(join(made, 'circuit.node')) as Native;
  const copy = loaded.duplicate(0);
  expect(copy).toBeGreaterThan(2);
  expect([loaded.close(copy), loaded.close(copy), loaded.close(0)]).toStrictEqual([1, 0, 0]);
  expect(loaded.duplicate(1_000_000)).toBe(-9);
  expect(loaded.connect(join(folder, 'nobody'))).toBe(-2);
  expect(loaded.connect('x'.repeat(108))).toBe(-36);
  const misused = loaded as unknown as Record<string, (...args: unknown[]) => unknown>;
  for (const name of Object.keys(misused)) {
    for (const args of [[], ['x'], [0, 0, 0, 0], [{}, {}], [{}, {}, {}]]) {
      const fits = args.length === { connect: 1, yieldProcessor: 0 }[name];
      if (!fits) expect(() => misused[name]?.(...args), name).toThrow('circuit: arguments do not fit');
    }
  }
  rmSync(folder, { recursive: true });
});
