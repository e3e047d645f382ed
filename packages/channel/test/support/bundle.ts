import { fileURLToPath } from 'node:url';
import { build, type BuildOptions, type Metafile } from 'esbuild';

/** A fixture or source file of this package (path below it), bundled from the sources: code and what it holds. */
export async function bundle(file: string, options: BuildOptions = {}): Promise<{ code: string; meta: Metafile }> {
  const { outputFiles, metafile } = await build({
    entryPoints: [fileURLToPath(new URL(`../../${file}`, import.meta.url))],
    bundle: true,
    write: false,
    metafile: true,
    format: 'esm',
    target: 'es2022',
    conditions: ['@circuit/source'],
    logLevel: 'error',
    ...options,
  });
  return { code: outputFiles?.[0]?.text ?? '', meta: metafile as Metafile };
}
