import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ask } from '@circuit/channel/conformance';
import { descriptorOf } from '@circuit/channel/descriptors';
import { expect, test } from 'vitest';
import { fixtureSystem, Program, type ProgramOptions } from './program.js';
import { Victim } from './victim.js';

const folder = fileURLToPath(new URL('../..', import.meta.url));

/** What a program says that reads two files, itself or as streams. */
async function readBoth(options: ProgramOptions): Promise<{ said: string; read: unknown }> {
  await Program.prepare();
  const victim = await Victim.listen();
  const taker = await Program.start('descriptor-taker.ts', { ...options, args: [victim.path] });
  const said = await taker.line();
  const sender = (await victim.next()).open<object>();
  const descriptors = [descriptorOf(victim.openFile()), descriptorOf(victim.openFile())];
  const read = await ask(sender, { what: 'read', descriptors });
  sender.close();
  expect(await taker.ended()).toBe(0);
  await victim.unharmed();
  return { said, read };
}

const asStreams = ['a stream: 0123456789', 'a stream: 0123456789'];

test('with CIRCUIT_NO_NATIVE=1 the byte stream stands in and says so', async () => {
  const { said, read } = await readBoth({ env: { CIRCUIT_NO_NATIVE: '1' } });
  expect(said).toBe('CIRCUIT_NO_NATIVE is set');
  expect(read).toStrictEqual(asStreams);
});

test('where the native part was not built the byte stream stands in and says so', async () => {
  const { said, read } = await readBoth({ native: 'missing' });
  expect(said).toContain(`no native part for ${fixtureSystem}: Cannot find module`);
  expect(read).toStrictEqual(asStreams);
});

test('where the native part cannot be loaded the byte stream stands in and says so', async () => {
  const { said, read } = await readBoth({ native: 'broken' });
  expect(said).toContain(`no native part for ${fixtureSystem}: `);
  expect(said).toContain('circuit.node');
  expect(read).toStrictEqual(asStreams);
});

test('what npm gets holds the native part, built and as source, and its install runs nothing', () => {
  const printed = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [{ files }] = JSON.parse(String(printed)) as [{ files: { path: string }[] }];
  const native = files.map(({ path }) => path).filter((path) => path.startsWith('native/'));
  expect(native.sort()).toStrictEqual([
    'native/belongings.c',
    'native/circuit.h',
    'native/descriptors.c',
    'native/prebuilt/linux-arm64/circuit.node',
    'native/prebuilt/linux-arm64/source.sha256',
    'native/prebuilt/linux-x64/circuit.node',
    'native/prebuilt/linux-x64/source.sha256',
    'native/processor.c',
    'native/watcher.c',
  ]);
  // With one of these npm would call a compiler, or a script, of its own accord.
  expect(existsSync(`${folder}/binding.gyp`)).toBe(false);
  const manifest = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8')) as object;
  expect(Object.keys(manifest)).not.toContain('scripts');
  expect(Object.keys(manifest)).not.toContain('gypfile');
});
