import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dialTcp } from '@circuit/channel/tcp';
import { dialTls } from '@circuit/channel/tls';
import { dialUnix } from '@circuit/channel/unix';
import { generateKey, type Key, pskFor } from '@circuit/keys';
import { orThrow, parseAddress, type TcpAddress } from '@circuit/protocol';
import { until } from '@circuit/testkit';
import { afterEach, expect, test } from 'vitest';
import { type Daemon, type DaemonOptions, startDaemon } from '../src/index.js';
import { TestClient } from './support/request.js';
import { keeperBundle } from './support/rig.js';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'cd-'));
  cleanups.push(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function start(folder: string, options: Partial<DaemonOptions> = {}): Promise<Daemon> {
  const daemon = await startDaemon({
    addr: { host: '127.0.0.1', port: 0 },
    security: 'insecure',
    stateFolder: join(folder, 'state'),
    surroundings: { env: {}, uid: process.getuid?.(), home: folder, temp: folder },
    keeperBundlePath: await keeperBundle(),
    ...options,
  });
  cleanups.push(() => daemon.close({ kill: true }));
  return daemon;
}

function at(daemon: Daemon): { host: string; port: number } {
  const { host, port } = orThrow(parseAddress(daemon.address)) as TcpAddress;
  return { host, port };
}

async function client(daemon: Daemon, { key, target }: { key?: Key; target?: string } = {}): Promise<TestClient> {
  const session = key === undefined ? await dialTcp(at(daemon)) : await dialTls({ ...at(daemon), psk: pskFor(key) });
  cleanups.push(() => session.close());
  return new TestClient(session, target);
}

test('a daemon serves over tcp and over its own socket', async () => {
  const daemon = await start(await newFolder());
  const byTcp = await client(daemon);
  expect(await byTcp.call('ping', {})).toMatchObject({ id: daemon.id, protocol: 1 });
  const local = await dialUnix({ path: daemon.socketPath });
  cleanups.push(() => local.close());
  expect((await new TestClient(local).call('ls', { path: '/' })).entries).toEqual([
    { path: `/${daemon.id}`, hasChildren: false },
  ]);
});

test('a read-only key looks and does not act', async () => {
  const key = generateKey();
  const daemon = await start(await newFolder(), { security: { key } });
  const reader = await client(daemon, { key: key.readOnly() });
  expect(await reader.call('ls', { path: `/${daemon.id}` })).toEqual({ entries: [] });
  await expect(reader.call('mkchan', { path: `/${daemon.id}/c`, capacity: 1 })).rejects.toMatchObject({
    code: 'denied',
  });
  const actor = await client(daemon, { key });
  expect(await actor.call('mkchan', { path: `/${daemon.id}/c`, capacity: 1 })).toEqual({ element: 1 });
  await expect(client(daemon, { key: generateKey() })).rejects.toMatchObject({ code: 'denied' });
});

test('two servers are one cluster, and a request goes on to the other with the rights of its client', async () => {
  const key = generateKey();
  const a = await start(await newFolder(), { security: { key } });
  const b = await start(await newFolder(), { security: { key }, join: [a.address] });
  await until('both see both', () => a.members().length === 2 && b.members().length === 2);
  const actor = await client(a, { key, target: b.id });
  expect(await actor.call('ping', {})).toMatchObject({ id: b.id });
  await actor.call('mkchan', { path: `/${b.id}/c`, capacity: 1 });
  const reader = await client(a, { key: key.readOnly(), target: b.id });
  expect((await reader.call('ls', { path: `/${b.id}` })).entries).toHaveLength(1);
  await expect(reader.call('close', { path: `/${b.id}/c` })).rejects.toMatchObject({ code: 'denied' });
  const back = await client(b, { key, target: a.id });
  expect(await back.call('ping', {})).toMatchObject({ id: a.id });
});

test('processes outlive the daemon and are back at the same path with the same pid', async () => {
  const folder = await newFolder();
  const first = await start(folder);
  const path = `/${first.id}/p`;
  const made = await (await client(first)).call('mkproc', { path, cmd: { path: 'cat', args: [] } });
  await first.close();
  const second = await start(folder);
  expect(second.id).toBe(first.id);
  const again = await client(second);
  expect(await again.call('peek', { path, element: made.element })).toMatchObject({
    kind: 'proc',
    state: { Pid: made.pid, Phase: 'running' },
  });
  const next = await again.call('mkchan', { path: `/${second.id}/c`, capacity: 0 });
  expect(next.element).toBeGreaterThan(made.element);
  const stdin = again.ask('stdin', { path });
  const told = await stdin.next();
  if (told?.event.type === 'open') {
    await told.event.sink.write(Buffer.from('hello'));
    told.event.sink.close();
  }
  expect(await stdin.result).toEqual({ bytes: 5 });
  expect(await again.call('wait', { path })).toMatchObject({ ExitCode: 0, StdoutBytes: 5 });
});

test('suicide answers and ends the daemon', async () => {
  const daemon = await start(await newFolder());
  expect(await (await client(daemon)).call('suicide', {})).toEqual({});
  await daemon.closed;
});
