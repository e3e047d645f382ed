import { chmod, chown, cp, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Scope } from '@circuit/base';
import { generateKey, writeKeyFile } from '@circuit/keys';
import { passOver, until } from '@circuit/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { begin, circuit, type Running, type Surroundings } from './command.js';

const system = `${process.platform}-${process.arch}`;
let scope: Scope;
let folder: string;
/** Somebody who is not root: default state folders of root are those of the whole machine. */
let user: Surroundings;

beforeEach(async () => {
  scope = new Scope();
  folder = await mkdtemp(join(tmpdir(), 'circuit-start-'));
  scope.defer(() => rm(folder, { recursive: true, force: true }));
  const uid = process.getuid?.() === 0 ? 65_534 : undefined;
  if (uid !== undefined) await chown(folder, uid, uid);
  await chmod(folder, 0o700);
  user = {
    uid,
    cwd: '/',
    env: {
      HOME: folder,
      TMPDIR: folder,
      XDG_STATE_HOME: undefined,
      XDG_CONFIG_HOME: undefined,
      XDG_RUNTIME_DIR: undefined,
    },
  };
});
afterEach(() => scope.close());

/** Starts a server and waits for its address; it ends with the test. */
async function serve(...argv: readonly string[]): Promise<Running> {
  const server = begin(['start', ...argv], user);
  scope.defer(async () => {
    server.kill('SIGKILL');
    await server.ended;
  });
  const over = server.ended.then(({ err }) => {
    if (!server.out().includes('\n')) throw new Error(`the server ended: ${err}`);
  });
  await Promise.race([over, until('an address', () => server.out().includes('\n'))]);
  return server;
}

test('a bare start serves this user on loopback, and is found by its socket', async () => {
  const server = await serve();
  expect(server.out()).toMatch(/^circuit:\/\/127\.0\.0\.1:\d+\/\d+\/Q[0-9a-f]+\n$/);
  const byAddress = await circuit(['ls', '-d', server.out().trim()], '', user);
  expect(byAddress.out).toMatch(/^\/X[0-9a-f]{16}\n$/);
  expect(await circuit(['ls'], '', user)).toEqual(byAddress);
  // Others of this machine hold another key.
  const other = join(folder, 'other-key');
  await writeKeyFile(other, generateKey());
  const refused = await circuit(['ls', '-d', server.out().trim(), '-hmac', other], '');
  expect([refused.code, refused.err.split('\n').length]).toEqual([4, 2]);
  server.kill('SIGTERM');
  expect(await server.ended).toMatchObject({ code: 0, out: server.out() });
  const after = await circuit(['ls'], '', user);
  expect([after.code, after.out]).toEqual([125, '']);
});

const built = ['linux-x64', 'linux-arm64'].includes(system);

test.skipIf(!built && !passOver(`there is no native part for ${system}`))(
  'a server that talks much loads the native part, which the bundle has beside it',
  async () => {
    const server = await serve();
    const loaded = async (): Promise<boolean> =>
      (await readFile(`/proc/${server.pid}/maps`, 'utf8')).includes(
        `/packages/circuit/native/prebuilt/${system}/circuit.node`,
      );
    expect(await loaded()).toBe(false);
    // A session writes a few times at least: its HELLO, credit, answers.
    for (let i = 0; i < 16 && !(await loaded()); i++) expect((await circuit(['ls'], '', user)).code).toBe(0);
    expect(await loaded()).toBe(true);
  },
);

test('a second start takes the next state folder, and a restart keeps the id', async () => {
  const [first, second] = [await serve('-kill'), await serve('-kill')];
  const ids = await Promise.all(
    [first, second].map(async (server) => (await circuit(['ls', '-d', server.out().trim()], '', user)).out),
  );
  expect(ids[0]).not.toBe(ids[1]);
  first.kill('SIGTERM');
  await first.ended;
  const again = await serve('-kill');
  expect((await circuit(['ls', '-d', again.out().trim()], '', user)).out).toContain(ids[0]);
});

test('an address that others reach needs a key or an explicit word', async () => {
  for (const argv of [
    ['-a', '0.0.0.0'],
    ['-a', '10.0.0.1:4600'],
    ['-addr', '[::]:4600'],
  ]) {
    const { code, out, err } = await circuit(['start', ...argv], '', user);
    expect([argv, code, out]).toEqual([argv, 4, '']);
    expect(err).toMatch(/^circuit: start: .*circuit keygen.*-hmac FILE.*--insecure\n$/);
  }
});

test('a busy port is one line and exit 5', async () => {
  const blocker = createServer();
  await new Promise<void>((resolve) => void blocker.listen(0, '127.0.0.1', resolve));
  scope.defer(() => new Promise((resolve) => void blocker.close(() => resolve())));
  const { port } = blocker.address() as { port: number };
  const { code, err } = await circuit(['start', '-a', `127.0.0.1:${port}`], '', user);
  expect([code, err]).toEqual([5, expect.stringMatching(/^circuit: start: .*already in use\n$/)]);
});

test('a state folder in use is one line and exit 5', async () => {
  const state = join(folder, 'state');
  await serve('-var', state);
  const { code, err } = await circuit(['start', '-var', state], '', user);
  expect([code, err]).toEqual([
    5,
    expect.stringMatching(/^circuit: start: state folder .* is in use by process \d+\n$/),
  ]);
});

test('a server to join that is not there yet is tried again', async () => {
  const blocker = createServer();
  await new Promise<void>((resolve) => void blocker.listen(0, '127.0.0.1', resolve));
  const { port } = blocker.address() as { port: number };
  await new Promise<void>((resolve) => void blocker.close(() => resolve()));
  const first = await serve('-j', `127.0.0.1:${port}`);
  await until('a word that it tries again', () => first.err().includes('tried again'));
  await serve('-a', `127.0.0.1:${port}`);
  const servers = async () => (await circuit(['ls', '-d', first.out().trim()], '', user)).out.trim().split('\n');
  await until('the two to meet', async () => (await servers()).length === 2);
});

test('a server to join that never comes is told once, and not blamed at the end', async () => {
  const server = await serve('-j', '127.0.0.1:1');
  await until('a word that it tries again', () => server.err().includes('\n'));
  server.kill('SIGTERM');
  const { code, err } = await server.ended;
  expect([code, err]).toEqual([0, expect.stringMatching(/^circuit: warning: .*tried again.*127\.0\.0\.1:1.*\n$/)]);
});

test('an insecure server is reached only by who says so', async () => {
  const server = await serve('--insecure');
  const addr = server.out().trim();
  expect((await circuit(['ls', '-d', addr, '--insecure'], '', user)).code).toBe(0);
  expect((await circuit(['ls', '-d', addr], '', user)).code).toBe(4);
});

test('who comes without a key to a server that has one is told what to do', async () => {
  const { code, err } = await circuit(['ls', '--insecure', '-d', (await serve()).out().trim()], '', user);
  expect([code, err]).toEqual([4, expect.stringMatching(/^circuit: ls: .*wants a key.*-hmac FILE.*\n$/)]);
});

test('the file named by CIRCUIT, and the key named by CIRCUIT_HMAC, are used', async () => {
  const key = join(folder, 'key');
  await writeKeyFile(key, generateKey());
  if (user.uid !== undefined) await chown(key, user.uid, user.uid);
  const server = await serve('-hmac', key);
  const { writeFile } = await import('node:fs/promises');
  await writeFile(join(folder, 'addr'), `  ${server.out()}\n`);
  await chmod(join(folder, 'addr'), 0o644);
  const env = { ...user.env, CIRCUIT: '~/addr', CIRCUIT_HMAC: key };
  expect((await circuit(['ls'], '', { ...user, env })).code).toBe(0);
  const missing = await circuit(['ls'], '', { ...user, env: { ...env, CIRCUIT: '~/nowhere' } });
  expect([missing.code, missing.err]).toEqual([2, expect.stringMatching(/CIRCUIT names .*nowhere/)]);
});

test('a server that is tied to its standard input ends with it', async () => {
  const server = await serve('--until-eof');
  server.end();
  expect((await server.ended).code).toBe(0);
});

test('suicide ends a server with 0', async () => {
  const server = await serve();
  const id = (await circuit(['ls'], '', user)).out.trim();
  expect((await circuit(['suicide', id], '', user)).code).toBe(0);
  expect((await server.ended).code).toBe(0);
});

test('of two servers on copies of one state folder the later one takes a new id and says so', async () => {
  const [state, copy] = [join(folder, 'state'), join(folder, 'copy')];
  const before = await serve('-var', state);
  const ids = async (server: Running) =>
    (await circuit(['ls', '-d', server.out().trim()], '', user)).out.trim().split('\n');
  const [id = ''] = await ids(before);
  before.kill('SIGTERM');
  await before.ended;
  await cp(state, copy, { recursive: true });
  const uid = user.uid;
  if (uid !== undefined)
    for (const name of ['.', ...(await readdir(copy, { recursive: true }))]) await chown(join(copy, name), uid, uid);
  await chmod(copy, 0o700);
  const first = await serve('-var', state);
  const later = await serve('-var', copy, '-j', first.out().trim());
  await until('two ids', async () => (await ids(first)).length === 2);
  const other = (await ids(later)).find((each) => each !== id) ?? '';
  expect((await circuit(['peek', '-d', first.out().trim(), id], '', user)).out).toContain(
    `"Addr": "${first.out().trim()}"`,
  );
  expect(first.err()).toBe('');
  const [former, now] = [id.slice(1), other.slice(1)];
  expect(later.err()).toMatch(new RegExp(`^circuit: warning: .*new one.*"former":"${former}","now":"${now}".*\n$`));
});

test('--keep bounds the output on disk, and what is dropped is a gap and exit 6', async () => {
  const state = join(folder, 'state');
  const server = await serve('-var', state, '--keep', '1MiB', '--kill');
  const id = (await circuit(['ls', '-d', server.out().trim()], '', user)).out.trim();
  const at = (verb: string, ...argv: string[]) => circuit([verb, '-d', server.out().trim(), ...argv], '', user);
  const zeros = JSON.stringify({ Path: 'head', Args: ['-c', '20000000', '/dev/zero'] });
  const make = (...argv: string[]) => circuit(['mkproc', '-d', server.out().trim(), ...argv], zeros, user);
  expect(await make('--keep', '64KiB', `${id}/little`)).toMatchObject({ code: 0, err: '' });
  expect((await at('wait', `${id}/little`)).code).toBe(0);
  const little = await at('stdout', `${id}/little`);
  expect([little.code, little.err]).toEqual([6, expect.stringMatching(/bytes 0–\d+ are no longer kept/)]);
  expect(little.out.length).toBeGreaterThan(0);
  expect(little.out.length).toBeLessThanOrEqual(65_536);
  expect((await at('peek', `${id}/little`)).out).toContain('"KeepBytes": 65536');
  for (const name of ['a', 'b', 'c']) {
    expect((await make(`${id}/${name}`)).code).toBe(0);
    expect((await at('wait', `${id}/${name}`)).code).toBe(0);
    expect(await outputBytes(state)).toBeLessThanOrEqual(1_048_576);
  }
  expect((await at('stdout', `${id}/c`)).code).toBe(6);
  // A share counts by the disk of the state folder; nonsense is refused before anything begins.
  await serve('-var', join(folder, 'share'), '--keep', '20%');
  const wrong = await circuit(['start', '--keep', '500'], '', user);
  expect([wrong.code, wrong.err]).toEqual([
    2,
    expect.stringMatching(/^circuit: start: size 500: .*500MB, 2GiB, 20%\n$/),
  ]);
});

/** Bytes of output that a state folder holds. */
async function outputBytes(state: string): Promise<number> {
  const names = await readdir(join(state, 'keepers'), { recursive: true });
  const segments = names.filter((name) => /\/std(?:out|err)\.\d{16}$/.test(name));
  const sizes = segments.map(async (name) => (await stat(join(state, 'keepers', name))).size);
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

test('keygen --read-only gives the key that may look but not act', async () => {
  const [full, look] = [join(folder, 'full'), join(folder, 'look')];
  await writeKeyFile(full, generateKey());
  const derived = await circuit(['keygen', '--read-only', '-hmac', full]);
  const { writeFile } = await import('node:fs/promises');
  await writeFile(look, derived.out, { mode: 0o600 });
  if (user.uid !== undefined) for (const file of [full, look]) await chown(file, user.uid, user.uid);
  expect(await readFile(look, 'utf8')).toMatch(/^circuit read-only key\n/);
  const addr = (await serve('-hmac', full)).out().trim();
  const as = (key: string, ...argv: string[]) =>
    circuit([argv[0] ?? '', '-d', addr, '-hmac', key, ...argv.slice(1)], '', user);
  const id = (await as(look, 'ls')).out.trim();
  expect(id).toMatch(/^\/X/);
  expect((await as(look, 'mkchan', `${id}/c`)).code).toBe(4);
  expect((await as(full, 'mkchan', `${id}/c`)).code).toBe(0);
  expect((await circuit(['start', '-hmac', look], '', user)).code).toBe(4);
});
