import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Scope } from '@circuit/base';
import { listenTcp } from '@circuit/channel/tcp';
import { listenTls } from '@circuit/channel/tls';
import { listenUnix } from '@circuit/channel/unix';
import { acceptedPsks, findPsk, formatKey, generateKey } from '@circuit/keys';
import { ManualClock, until } from '@circuit/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { connect, type ConnectOptions } from '../src/node/index.js';
import { localServers } from '../src/node/local-servers.js';
import { TestServer } from './test-server.js';

let scope: Scope;
let folder: string;
beforeEach(async () => {
  scope = new Scope();
  folder = await mkdtemp(join(tmpdir(), 'circuit-client-'));
  scope.defer(() => rm(folder, { recursive: true, force: true }));
});
afterEach(() => scope.close());

/** An environment without anything of this machine's. */
const bare = (more: Record<string, string> = {}) => ({
  HOME: folder,
  XDG_CONFIG_HOME: join(folder, 'config'),
  ...more,
});

async function reach(options: ConnectOptions): Promise<string> {
  await using cluster = await connect({ env: bare(), ...options });
  return cluster.serverId;
}

async function unixServer(id: string): Promise<string> {
  const path = join(folder, `${id}.sock`);
  const server = new TestServer(id);
  scope.use(await listenUnix({ path }, (session) => server.serve(session)));
  return path;
}

async function tlsServer(key = generateKey()): Promise<{ addr: string; key: typeof key }> {
  const server = new TestServer('Xc');
  const accepted = acceptedPsks(key);
  const pskFor = (identity: string) => findPsk(accepted, identity)?.key;
  const listener = await listenTls({ host: '127.0.0.1', port: 0, pskFor }, (session) => server.serve(session));
  scope.use(listener);
  return { addr: `127.0.0.1:${portOf(listener.address)}`, key };
}

function portOf(address: object): number {
  return (address as { port: number }).port;
}

describe('connecting', () => {
  test('goes to the address given', async () => {
    expect(await reach({ dial: `unix:${await unixServer('Xa')}` })).toBe('Xa');
  });

  test('goes to the address in the file that CIRCUIT names, white space ignored', async () => {
    await writeFile(join(folder, 'addr'), `\n  unix:${await unixServer('Xb')} \n`);
    expect(await reach({ env: bare({ CIRCUIT: ' ~/addr ' }) })).toBe('Xb');
    expect(await reach({ env: bare({ CIRCUIT: join(folder, 'addr') }) })).toBe('Xb');
  });

  test('prefers the address given to that file', async () => {
    expect(await reach({ dial: `unix:${await unixServer('Xa')}`, env: bare({ CIRCUIT: '/nowhere' }) })).toBe('Xa');
  });

  test('takes the key given, that of a file, of CIRCUIT_HMAC, or on loopback that of the user', async () => {
    const { addr, key } = await tlsServer();
    const keyFile = join(folder, 'key');
    await writeFile(keyFile, formatKey(key), { mode: 0o600 });
    expect(await reach({ dial: addr, key })).toBe('Xc');
    expect(await reach({ dial: addr, keyFile })).toBe('Xc');
    expect(await reach({ dial: addr, env: bare({ CIRCUIT_HMAC: keyFile }) })).toBe('Xc');
    await mkdir(join(folder, 'config', 'circuit'), { recursive: true });
    await writeFile(join(folder, 'config', 'circuit', 'key'), formatKey(key), { mode: 0o600 });
    expect(await reach({ dial: addr })).toBe('Xc');
  });

  test('speaks in plain text only when told to', async () => {
    const server = new TestServer('Xd');
    const listener = await listenTcp({ host: '127.0.0.1', port: 0 }, (session) => server.serve(session));
    scope.use(listener);
    const dial = `127.0.0.1:${portOf(listener.address)}`;
    expect(await reach({ dial, insecure: true })).toBe('Xd');
    await expect(reach({ dial })).rejects.toMatchObject({ code: 'denied', detail: 'no-key' });
    await expect(reach({ dial, key: generateKey() })).rejects.toMatchObject({ code: 'denied' });
  });

  test('in plain text to a server with a key hears that it wants one', async () => {
    const { addr } = await tlsServer();
    await expect(reach({ dial: addr, insecure: true })).rejects.toMatchObject({
      code: 'denied',
      detail: 'wants-key',
      message: expect.stringMatching(/leave --insecure out.*-hmac FILE/) as string,
    });
    await expect(reach({ dial: '127.0.0.1:1', insecure: true })).rejects.toMatchObject({ code: 'unreachable' });
  });

  test('tells a bad address, no server and a wrong key apart', async () => {
    const { addr } = await tlsServer();
    await expect(reach({ dial: 'nowhere' })).rejects.toMatchObject({ code: 'invalid' });
    await expect(reach({ env: bare({ CIRCUIT: '/no/such/file' }) })).rejects.toMatchObject({ code: 'invalid' });
    await expect(reach({ dial: 'unix:/no/such/socket' })).rejects.toMatchObject({ code: 'unreachable' });
    await expect(reach({ dial: '127.0.0.1:1', key: generateKey() })).rejects.toMatchObject({ code: 'unreachable' });
    await expect(reach({ dial: addr, key: generateKey() })).rejects.toMatchObject({ code: 'denied' });
    await expect(reach({ dial: '192.0.2.1:1' })).rejects.toMatchObject({ code: 'denied', detail: 'no-key' });
  });

  test('gives up a server that does not answer', async () => {
    const silent = createServer();
    const path = join(folder, 'silent.sock');
    let connections = 0;
    silent.on('connection', (socket) => {
      connections++;
      socket.on('error', () => undefined);
      scope.defer(() => void socket.destroy());
    });
    await new Promise<void>((resolve) => void silent.listen(path, resolve));
    scope.defer(() => void silent.close());
    const clock = new ManualClock();
    const reaching = reach({ dial: `unix:${path}`, clock });
    await until('the connection', () => connections === 1);
    void clock.advance(5000);
    await expect(reaching).rejects.toMatchObject({
      code: 'unreachable',
      message: `unix:${path}: no answer within 5000 ms`,
    });
  });

  test('is given up by its signal', async () => {
    const stopped = AbortSignal.abort();
    await expect(reach({ dial: `unix:${await unixServer('Xa')}`, signal: stopped })).rejects.toMatchObject({
      code: 'cancelled',
    });
  });
});

describe('the servers of this machine', () => {
  const user = 1000;

  test('are those whose state folders say where their socket is, by number', async () => {
    const base = join(folder, 'state', 'circuit');
    for (const number of ['10', '2', '1', '3', 'x']) {
      await mkdir(join(base, number), { recursive: true });
      const record = number === '3' ? 'no json' : JSON.stringify({ version: 1, socket: `/run/${number}.sock` });
      await writeFile(join(base, number, 'daemon.json'), record);
    }
    await writeFile(join(base, '2', 'daemon.json'), JSON.stringify({ version: 2, socket: '/run/2.sock' }));
    expect(await localServers(bare({ XDG_STATE_HOME: join(folder, 'state') }), user)).toEqual([
      { type: 'unix', path: '/run/1.sock' },
      { type: 'unix', path: '/run/10.sock' },
    ]);
  });

  test('are none where no state is', async () => {
    expect(await localServers(bare(), user)).toEqual([]);
    expect(await localServers(bare({ XDG_STATE_HOME: 'relative' }), user)).toEqual([]);
  });
});
