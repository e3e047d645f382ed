import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Scope } from '@circuit/base';
import { generateKey, readKeyFile, writeKeyFile } from '@circuit/keys';
import { closedPort, type EchoPlace, exchange, startEcho, until } from '@circuit/testkit';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type TestCluster, testCluster } from '../src/testing.js';
import { begin, circuit, type Running } from './command.js';
import { Shell } from './shell.js';

let scope: Scope;
let folder: string;
beforeEach(async () => {
  scope = new Scope();
  folder = await mkdtemp(join(tmpdir(), 'circuit-forward-'));
  scope.defer(() => rm(folder, { recursive: true, force: true }));
});
afterEach(() => scope.close());

/** The port of a server of a test that sends back what it gets. */
async function echo(place?: EchoPlace): Promise<number> {
  const server = await startEcho(place);
  scope.defer(() => server.close());
  return server.port;
}

/** What comes back for `text` from the address that a forward printed. */
function say(address: string, text: string): Promise<string> {
  const [host = '', port = ''] = address.split(':');
  return exchange(host === 'unix' ? { path: port } : { host, port: Number(port) }, text);
}

/** Waits for the address that a forward prints. */
async function printed(running: Running): Promise<string> {
  scope.defer(async () => {
    running.kill('SIGKILL');
    await running.ended;
  });
  const over = running.ended.then(({ err }) => {
    if (running.out() === '') throw new Error(`it ended: ${err}`);
  });
  await Promise.race([over, until('its address', () => running.out().endsWith('\n'))]);
  return running.out().trim();
}

/** The moment at which the server at `url` accepts connections, which may be before it says so. */
async function accepts(url: string): Promise<number> {
  const { hostname, port } = new URL(url.replace('circuit:', 'http:'));
  await until(`${url} to accept`, () => {
    const socket = connect(Number(port), hostname);
    return new Promise((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    }).finally(() => socket.destroy()) as Promise<boolean>;
  });
  return performance.now();
}

/** Five seconds behind the return of the server is what is promised. */
async function worksAgain(forward: Running, address: string, returned: number): Promise<void> {
  await until('its return to be told', () => forward.err().includes(': back\n'));
  expect(await say(address, 'after')).toBe('after');
  const ms = Math.round(performance.now() - returned);
  console.log(`the forward worked ${ms} ms after the server accepted again`);
  expect(ms).toBeLessThan(5000);
}

describe('through one server into the network of another', () => {
  let cluster: TestCluster;
  let shell: Shell;
  let far: string;
  beforeAll(async () => {
    cluster = await testCluster({ nodes: 2 });
    shell = new Shell(cluster);
    await using client = await cluster.connect(1);
    far = `/${client.serverId}`;
  });
  afterAll(() => cluster.close());

  test('a port of that network is reached here, until SIGTERM ends it with 0', async () => {
    const port = await echo();
    const forward = shell.begin('forward', '0', `${far}:127.0.0.1:${port}`);
    const address = await printed(forward);
    expect(address).toMatch(/^127\.0\.0\.1:\d+$/);
    const texts = ['one', 'two', 'x'.repeat(3_000_000)];
    expect(await Promise.all(texts.map((text) => say(address, text)))).toEqual(texts);
    forward.kill('SIGTERM');
    expect(await forward.ended).toMatchObject({ code: 0, out: `${address}\n`, err: '' });
    expect(await say(address, 'late')).toBe('ECONNREFUSED');
  });

  test('without LISTEN it is the same port, or a free one where that is taken; Ctrl-C ends it with 0', async () => {
    const port = await echo();
    const forward = shell.begin('forward', `${far}:127.0.0.1:${port}`);
    const address = await printed(forward);
    expect(address).not.toBe(`127.0.0.1:${port}`);
    expect(await say(address, 'hello')).toBe('hello');
    forward.kill('SIGINT');
    expect((await forward.ended).code).toBe(0);
    const [near, other] = [join(folder, 'near'), join(folder, 'target')];
    await echo({ path: other });
    expect(await printed(shell.begin('forward', `unix:${near}`, `${far}:unix:${other}`))).toBe(`unix:${near}`);
    expect(await say(`unix:${near}`, 'from file to file')).toBe('from file to file');
  });

  test('a target that refuses resets the connection, and says so; later ones are tried anew', async () => {
    const port = await closedPort();
    const forward = shell.begin('forward', '0', `${far}:localhost:${port}`);
    const address = await printed(forward);
    expect(await say(address, 'hello')).toBe('ECONNRESET');
    await until('the failure to be told', () => forward.err().endsWith('\n'));
    expect(forward.err()).toMatch(
      /^circuit: forward: 127\.0\.0\.1:\d+: not carried: dial tcp localhost:\d+: connection refused\n$/,
    );
    await echo({ port, host: '127.0.0.1' });
    expect(await say(address, 'again')).toBe('again');
  });

  test('kill -9 of the server that dials, behind another: the port stays, and works again within 5 s of its return', async () => {
    const port = await echo();
    const forward = shell.begin('forward', '0', `${far}:127.0.0.1:${port}`);
    const address = await printed(forward);
    expect(await say(address, 'before')).toBe('before');
    cluster.servers[1]?.kill('SIGKILL');
    await until('the loss to be told', () => forward.err().includes(`${far}: away: `));
    expect(await say(address, 'meanwhile')).toBe('ECONNRESET');
    await until('that to be told', () => forward.err().includes(`not carried: ${far} is away\n`));
    await cluster.servers[1]?.ended;
    // At another port, which it says as soon as it accepts there; who is sought is told of it by the others.
    await cluster.restart(1);
    await worksAgain(forward, address, performance.now());
  });

  test('each failure has its exit code', async () => {
    const target = `${far}:127.0.0.1:1`;
    const code = async (...argv: string[]): Promise<number | null> => (await shell.run('forward', ...argv)).code;
    for (const wrong of ['nothing', `${far}:`, `${far}:host`, `${far}/below:h:1`, `${far}:circuit://h:1`])
      expect(await code(wrong)).toBe(2);
    for (const listen of ['70000', 'host:', 'unix:', `unix:${'x'.repeat(200)}`])
      expect(await code(listen, target)).toBe(2);
    const open = await shell.run('forward', '0.0.0.0:0', target);
    expect([open.code, open.err]).toEqual([2, expect.stringContaining('--public')]);
    expect(await code('0', '/Xdeaddeaddeaddead:127.0.0.1:1')).toBe(3);
    const taken = await echo();
    expect(await code(`${taken}`, target)).toBe(5);
    expect((await circuit(['forward', '-d', '127.0.0.1:1', '-hmac', cluster.keyFile, target])).code).toBe(125);
    expect(await code('--timeout', '300ms', '0', target)).toBe(124);
    const readOnly = join(folder, 'read-only');
    await writeKeyFile(readOnly, (await readKeyFile(cluster.keyFile)).key.readOnly());
    const looking = await circuit(['forward', '-d', cluster.addr, '-hmac', readOnly, target]);
    expect([looking.code, looking.err]).toEqual([4, expect.stringContaining('only look')]);
  });
});

test('kill -9 of the only server, which was dialled too: works again within 5 s of its return to its port', async () => {
  const key = join(folder, 'key');
  await writeKeyFile(key, generateKey());
  const start = async (address: string): Promise<Running> => {
    const running = begin(['start', '-a', address, '-var', join(folder, 'state'), '-hmac', key, '--kill']);
    await printed(running);
    return running;
  };
  const first = await start('127.0.0.1');
  const port = new URL(first.out().trim().replace('circuit:', 'http:')).port;
  const list = await circuit(['ls', '-d', `127.0.0.1:${port}`, '-hmac', key]);
  const target = `${list.out.trim()}:127.0.0.1:${await echo()}`;
  const forward = begin(['forward', '-d', `127.0.0.1:${port}`, '-hmac', key, '0', target]);
  const address = await printed(forward);
  expect(await say(address, 'before')).toBe('before');
  first.kill('SIGKILL');
  await first.ended;
  await until('the loss to be told', () => forward.err().includes(': away: '));
  expect(await say(address, 'meanwhile')).toBe('ECONNRESET');
  const returned = accepts(first.out().trim());
  const started = start(`127.0.0.1:${port}`);
  await worksAgain(forward, address, await returned);
  await started;
  forward.kill('SIGTERM');
  expect((await forward.ended).code).toBe(0);
});
