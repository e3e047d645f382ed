import { execFile } from 'node:child_process';
import { access, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build, type Metafile } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Installed, install } from '../support/install.js';

let installed: Installed;

beforeAll(async () => {
  installed = await install();
}, 600_000);

afterAll(() => (installed as Installed | undefined)?.remove());

/** What a page imports, and a conversation in each way that needs nobody else. */
const page = `
import { ChannelSession, memoryPair, pipe, serve } from '@circuit/channel';
import { keyAuth } from '@circuit/channel/auth';
import { portSession } from '@circuit/channel/message-port';
import { dialSession, SessionDoor } from '@circuit/channel/resume';
import { dialWebSocket } from '@circuit/channel/websocket';

const key = new Uint8Array(32);
const options = { auth: keyAuth({ identity: 'page', key }), keepAliveMs: 0 };
const listening = { auth: keyAuth({ keyFor: () => key }), keepAliveMs: 0 };

async function converse(what, a, b) {
  const serving = (async () => {
    const { receiver } = await b.accept();
    await serve(receiver, async ({ name, back, bytes }, ret) => {
      await back.send('and back');
      back.close();
      let sum = 0;
      for await (const chunk of bytes) sum += chunk.length;
      await ret.send(name + ' ' + sum);
    });
  })();
  const sender = a.open();
  const { sender: back, receiver } = pipe();
  const bytes = new Blob([new Uint8Array(100000)]).stream();
  const answers = await sender.send({ name: what, back, bytes }, { returns: true });
  console.log((await answers.receive()).value, (await receiver.receive()).value);
  sender.close();
  await serving;
  await Promise.all([a.close(), b.close()]);
}

{
  const [near, far] = memoryPair();
  const a = new ChannelSession(near, 'dialler', options);
  const b = new ChannelSession(far, 'listener', listening);
  await converse('memory', a, b);
}
{
  const { port1, port2 } = new MessageChannel();
  const session = { keepAliveMs: 0 };
  await converse('port', portSession(port1, 'dialler', { session }), portSession(port2, 'listener', { session }));
}
{
  const arrived = [];
  const door = new SessionDoor({ resume: true, onSession: (session) => arrived.push(session), session: { keepAliveMs: 0 } });
  const connect = async () => {
    const [near, far] = memoryPair();
    door.accept(far);
    return near;
  };
  const dialled = await dialSession(connect, { resume: true, session: { keepAliveMs: 0 } });
  await dialled.ready;
  await converse('resume', dialled, arrived[0]);
}
console.log(typeof dialWebSocket);
`;

let built: Metafile;

/** As a bundler does it that knows nothing of our sources. A module of Node's would be an error. */
async function bundlePage(): Promise<string> {
  const { outputFiles, metafile } = await build({
    stdin: { contents: page, resolveDir: installed.folder },
    bundle: true,
    write: false,
    metafile: true,
    format: 'esm',
    target: 'es2022',
    platform: 'browser',
    absWorkingDir: installed.folder,
    logLevel: 'silent',
  });
  built = metafile;
  return outputFiles[0]?.text ?? '';
}

test('bundled for a browser the installed package holds no module of Node, and what stands in a page for others in their place', async () => {
  await bundlePage();
  const outside = Object.values(built.outputs).flatMap(({ imports }) => imports.map(({ path }) => path));
  expect(outside).toStrictEqual([]);
  const at = (path: string): string => join('node_modules/@circuit/channel', path);
  const inputs = Object.keys(built.inputs);
  expect(inputs).toContain(at('dist/index.js'));
  expect(inputs).toContain(at('dist/carriers/websocket/websocket-browser.js'));
  const replaced = Object.entries(installed.manifest.browser).filter(([path]) => path.startsWith('./dist/'));
  expect(replaced.length).toBeGreaterThan(10);
  for (const [path, standIn] of replaced) {
    expect(inputs).not.toContain(at(path));
    expect(inputs).toContain(at(standIn));
  }
});

test('that bundle runs where there is nothing of Node', { timeout: 600_000 }, async () => {
  await writeFile(join(installed.folder, 'page.js'), await bundlePage());
  // As much of a page as a process can be.
  const bare = `const { exit } = process;
// What Node makes when it is first asked for is made of them.
for (const name of Object.getOwnPropertyNames(globalThis)) void globalThis[name];
delete globalThis.process; delete globalThis.Buffer; delete globalThis.global; delete globalThis.setImmediate;
await import('./page.js');
// A page's ports hold it no longer than it wants to live.
exit();`;
  await writeFile(join(installed.folder, 'bare.js'), bare);
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['bare.js'], { cwd: installed.folder });
  expect([stdout, stderr]).toStrictEqual([
    'memory 100000 and back\nport 100000 and back\nresume 100000 and back\nfunction\n',
    '',
  ]);
});

test('what stands in for the sources stands in for what is packed of them, and is there', async () => {
  const { browser } = installed.manifest;
  const packed = Object.entries(browser).filter(([path]) => path.startsWith('./dist/'));
  const sources = Object.entries(browser).filter(([path]) => path.startsWith('./src/'));
  const compiled = sources.map(([path, standIn]) =>
    [path, standIn].map((one) => one.replace('./src/', './dist/').replace(/\.ts$/, '.js')),
  );
  expect(packed.sort()).toStrictEqual(compiled.sort());
  expect(packed.length + sources.length).toBe(Object.keys(browser).length);
  for (const path of packed.flat()) await access(join(installed.folder, 'node_modules/@circuit/channel', path));
});
