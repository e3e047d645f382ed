import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Installed, install } from '../support/install.js';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../../..', import.meta.url));
let installed: Installed | undefined;
let folder: string;
let subpaths: string[];

beforeAll(async () => {
  installed = await install(['@types/node', 'undici-types']);
  folder = installed.folder;
  subpaths = Object.keys(installed.manifest.exports).map((path) => `@circuit/channel${path.slice(1)}`);
}, 600_000);

afterAll(() => installed?.remove());

test('installed alone every subpath loads, and a session works', async () => {
  const program = `
${subpaths.map((path) => `await import('${path}');`).join('\n')}
const { CircuitError, isCircuitError, serve } = await import('@circuit/channel');
const { dialTcp, listenTcp } = await import('@circuit/channel/tcp');
const listener = await listenTcp({ host: '127.0.0.1', port: 0 }, async (session) => {
  const { receiver } = await session.accept();
  await serve(receiver, (name, ret) => {
    if (name === 'moon') throw new CircuitError('denied', 'not for the moon');
    return ret.send('hello, ' + name);
  });
});
const session = await dialTcp(listener.address);
const sender = session.open();
const answers = await sender.send('world', { returns: true });
console.log((await answers.receive()).value);
const refused = await sender.send('moon', { returns: true });
await refused.receive().catch((error) => console.log(isCircuitError(error, 'denied'), error.message));
sender.close();
await session.close();
await listener.close();
`;
  await writeFile(join(folder, 'use.js'), program);
  expect((await run(process.execPath, ['use.js'], { cwd: folder })).stdout).toBe(
    'hello, world\ntrue not for the moon\n',
  );
});

test.each([
  ['node16', 'node16'],
  ['esnext', 'bundler'],
])(
  'in TypeScript with module %s and moduleResolution %s every subpath has its types',
  { timeout: 600_000 },
  async (module, moduleResolution) => {
    const names = subpaths.map(
      (path, i) => `import * as m${i} from '${path}';\nexport const k${i}: keyof typeof m${i} | '' = '';`,
    );
    const use = `import { CircuitError, type ErrorCode, isCircuitError, type Sender, type Session } from '@circuit/channel';
import { dialWorker, listenWorker } from '@circuit/channel/message-port';
export const codeOf = (error: unknown): ErrorCode | undefined => (isCircuitError(error) ? error.code : undefined);
// In a browser's worker, whose self has the type of a window without the library webworker; and outside it.
export const taking = (take: (session: Session) => void) => listenWorker(self, take);
export const calling = (url: string) => dialWorker(new Worker(url));
export const refusal: CircuitError = new CircuitError('denied', 'not for you');
export async function use(session: Session): Promise<unknown> {
  const sender: Sender<{ n: number }> = session.open<{ n: number }>();
  // @ts-expect-error: a text is no such record
  await sender.send('x');
  const { value } = await (await sender.send({ n: 1 }, { returns: true })).receive();
  return value;
}
`;
    await writeFile(join(folder, 'use.ts'), [...names, use].join('\n'));
    const compilerOptions = {
      ...{ module, moduleResolution, target: 'es2022', types: ['node'] },
      ...{ strict: true, skipLibCheck: false, noEmit: true },
    };
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['use.ts'] }));
    const compiler = join(root, 'node_modules/typescript/bin/tsc');
    const failed = await run(process.execPath, [compiler, '-p', '.'], { cwd: folder }).then(
      () => '',
      (error: unknown) => String((error as { stdout?: string }).stdout),
    );
    expect(failed).toBe('');
  },
);
