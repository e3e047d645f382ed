// Bundles what users start: the command, one chunk for each verb, and the keeper. Runs behind `tsc -b`.
import { cpSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { bundleKeeper } from '../packages/keeper/bundle.mjs';

const at = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const outdir = at('packages/circuit/dist/command');

rmSync(outdir, { recursive: true, force: true });
// Split, although one file would be read faster: in one file every verb would load the TLS and crypto of the others.
await build({
  entryPoints: { main: at('packages/circuit/src/main.ts') },
  outdir,
  bundle: true,
  splitting: true,
  platform: 'node',
  target: 'node20.19',
  format: 'esm',
  minify: true,
  conditions: ['@circuit/source'],
  logLevel: 'warning',
});
// Where the loader of the native part, `packages/channel/src/native/native.ts`, looks for it from a chunk.
rmSync(at('packages/circuit/native'), { recursive: true, force: true });
cpSync(at('packages/channel/native/prebuilt'), at('packages/circuit/native/prebuilt'), { recursive: true });
await bundleKeeper();
await bundleKeeper(at('packages/circuit/dist/command/keeper.mjs'));
