import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/**
 * Bundles the keeper process into one file and returns its path.
 * @param {string} [outfile]
 * @returns {Promise<string>}
 */
export async function bundleKeeper(outfile = fileURLToPath(new URL('dist/keeper.mjs', import.meta.url))) {
  await build({
    entryPoints: [fileURLToPath(new URL('src/main.ts', import.meta.url))],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    conditions: ['@circuit/source'],
    logLevel: 'warning',
  });
  return outfile;
}
