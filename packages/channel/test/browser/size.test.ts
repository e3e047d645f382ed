import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { expect, test } from 'vitest';

/** The bytes that a page loads for `imports`, as a bundler makes them: minified, gzipped, without what is loaded on demand. */
async function loaded(imports: string): Promise<{ bytes: number; foreign: string[] }> {
  const { outputFiles, metafile } = await build({
    stdin: { contents: imports, resolveDir: fileURLToPath(new URL('../..', import.meta.url)) },
    outdir: '/out',
    bundle: true,
    splitting: true,
    minify: true,
    write: false,
    metafile: true,
    format: 'esm',
    target: 'es2022',
    platform: 'browser',
    conditions: ['@circuit/source'],
    external: ['@msgpack/msgpack'],
    logLevel: 'error',
  });
  const code = new Map(outputFiles.map((file) => [file.path.replace(/^.*\/out\//, ''), file.contents]));
  const outputs = new Map(
    Object.entries(metafile.outputs).map(([path, output]) => [path.replace(/^.*\/?out\//, ''), output]),
  );
  const wanted = new Set(['stdin.js']);
  const foreign: string[] = [];
  let bytes = 0;
  for (const path of wanted) {
    bytes += gzipSync(code.get(path) ?? '', { level: 9 }).length;
    for (const { path: imported, kind, external } of outputs.get(path)?.imports ?? []) {
      if (external === true) foreign.push(imported);
      else if (kind === 'import-statement') wanted.add(imported.replace(/^.*\/?out\//, ''));
    }
  }
  return { bytes, foreign };
}

const core = `export { ChannelSession, pipe, bytePipe } from '@circuit/channel';`;
const carriers = `export { dialWebSocket } from '@circuit/channel/websocket';
export { dialWorker, listenWorker, portSession } from '@circuit/channel/message-port';`;

test('a page loads no module of Node, and of libraries the codec alone', async () => {
  expect((await loaded(`${core}\n${carriers}`)).foreign).toStrictEqual(['@msgpack/msgpack']);
});

const whole = async (): Promise<number> => (await loaded(`${core}\n${carriers}`)).bytes;

test('what a page loads grows no further: 28.5 kB gzipped without the codec library', async () => {
  const bytes = await whole();
  console.log(`gzipped: core ${(await loaded(core)).bytes} bytes, with the WebSocket and message ports ${bytes} bytes`);
  expect(bytes).toBeLessThanOrEqual(28_500);
});

// The goal, not reached: this turns red when it is.
test.fails('what a page loads is at most 20 kB gzipped without the codec library', async () => {
  expect(await whole()).toBeLessThanOrEqual(20_000);
});
