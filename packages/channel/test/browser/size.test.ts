import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build, type OnResolveArgs, type OnResolveResult } from 'esbuild';
import { expect, test } from 'vitest';

interface Loaded {
  /** Minified, each file gzipped at level 9. */
  readonly bytes: number;
  /** The modules of which there is something in it. */
  readonly modules: readonly string[];
  /** What is imported and not in it. */
  readonly foreign: readonly string[];
}

/** What a page loads before its first line runs: the bundle of `contents`, without what is loaded on demand or in `left`. */
async function loaded(contents: string, left: readonly RegExp[] = []): Promise<Loaded> {
  const leave = ({ path, kind }: OnResolveArgs): OnResolveResult | undefined =>
    kind === 'dynamic-import' || left.some((pattern) => pattern.test(path)) ? { path, external: true } : undefined;
  const { outputFiles, metafile } = await build({
    stdin: { contents, resolveDir: fileURLToPath(new URL('../..', import.meta.url)) },
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    format: 'esm',
    target: 'es2022',
    platform: 'browser',
    conditions: ['@circuit/source'],
    plugins: [{ name: 'leave', setup: (chosen) => chosen.onResolve({ filter: /./ }, leave) }],
    logLevel: 'error',
  });
  const [output] = Object.values(metafile.outputs);
  return {
    bytes: outputFiles.reduce((sum, file) => sum + gzipSync(file.contents, { level: 9 }).length, 0),
    modules: Object.entries(output?.inputs ?? {}).flatMap(([path, { bytesInOutput }]) =>
      bytesInOutput > 0 ? path : [],
    ),
    foreign: (output?.imports ?? []).flatMap(({ path, kind }) => (kind === 'import-statement' ? path : [])),
  };
}

const library = /^@msgpack\/msgpack$/;
/** The library and the two codecs: modules that a session reaches only by the names of its codecs (`codec/known-codecs.ts`). */
const codecs = [library, /\/(messagepack|json)\.js$/];

const core = `export { ChannelSession } from '@circuit/channel';
export { dialWebSocket } from '@circuit/channel/websocket';`;
const everything = `${core}
export { bytePipe, pipe } from '@circuit/channel';
export { dialWorker, listenWorker, portSession } from '@circuit/channel/message-port';`;

test('a session and its dial are at most 20 kB gzipped, without the codecs', async () => {
  const { bytes } = await loaded(core, codecs);
  console.log(`core: ${bytes} bytes gzipped`);
  expect(bytes).toBeLessThanOrEqual(20_000);
});

test('all that a page loads, codecs and their library included, grows no further', async () => {
  const [small, large] = [await loaded(core), await loaded(everything)];
  const own = await loaded(core, [library]);
  console.log(
    `all: ${small.bytes} bytes gzipped, ${own.bytes} of them ours; with pipes and message ports ${large.bytes}`,
  );
  expect(small.bytes).toBeLessThanOrEqual(27_500);
});

test('a page loads no module of Node, and of libraries that of MessagePack alone', async () => {
  expect((await loaded(everything, [library])).foreign).toStrictEqual(['@msgpack/msgpack']);
});

test('a page that does not ask for them loads no authentication, no resume and nothing that serves Node', async () => {
  const { modules } = await loaded(everything, [library]);
  const onDemand = /\/src\/(auth|resume|descriptors|gateway)\//;
  const forNode =
    /\/src\/(local\/(foreign|slab)|session\/entry-map|local\/turn|carriers\/polling\/(busy-poll|poll-loop|backoff)|native\/native)\.ts$/;
  expect(modules.filter((path) => onDemand.test(path) || forNode.test(path))).toStrictEqual([]);
});

test('the package needs at most three others at run time', () => {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const { dependencies, ...rest } = JSON.parse(text) as Readonly<Record<string, Record<string, string> | undefined>>;
  expect(
    Object.keys({ ...dependencies, ...rest.peerDependencies, ...rest.optionalDependencies }).length,
  ).toBeLessThanOrEqual(3);
});
