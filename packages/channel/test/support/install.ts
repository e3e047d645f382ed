import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../../..', import.meta.url));

/** What of a package's package.json is looked at. */
interface Manifest {
  readonly exports: Readonly<Record<string, unknown>>;
  readonly browser: Readonly<Record<string, string>>;
}

/** A folder of its own with the packages in it. */
export interface Installed {
  readonly folder: string;
  /** That of `@circuit/channel`, as it was packed. */
  readonly manifest: Manifest;
  remove(): Promise<void>;
}

/** What npm packs of `base` and `channel`, put where an install would put it, with their dependencies and `others`, and nothing else of ours. */
export async function install(others: readonly string[] = []): Promise<Installed> {
  const folder = await mkdtemp(join(tmpdir(), 'channel-alone-'));
  const modules = join(folder, 'node_modules');
  for (const name of ['base', 'channel']) {
    const target = join(modules, '@circuit', name);
    await mkdir(target, { recursive: true });
    const packing = ['pack', '--silent', '--ignore-scripts', '--pack-destination', folder];
    const { stdout } = await run('npm', packing, { cwd: join(root, 'packages', name) });
    await run('tar', ['xzf', join(folder, stdout.trim()), '--strip-components=1', '-C', target]);
  }
  for (const name of ['ws', '@msgpack/msgpack', ...others]) {
    await cp(join(root, 'node_modules', name), join(modules, name), { recursive: true });
  }
  await writeFile(join(folder, 'package.json'), '{"private":true,"type":"module"}');
  const manifest = JSON.parse(await readFile(join(modules, '@circuit/channel/package.json'), 'utf8')) as Manifest;
  return { folder, manifest, remove: () => rm(folder, { recursive: true }) };
}
