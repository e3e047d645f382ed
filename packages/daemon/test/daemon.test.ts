import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dialTcp } from '@circuit/channel/tcp';
import { dialTls } from '@circuit/channel/tls';
import { dialUnix } from '@circuit/channel/unix';
import { generateKey, type Key, pskFor } from '@circuit/keys';
import { orThrow, parseAddress, type TcpAddress } from '@circuit/protocol';
import { lineLogger, until } from '@circuit/testkit';
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

test('fifty clients without the right key are one line in the log, and keep nobody out', async () => {
  const key = generateKey();
  const lines: string[] = [];
  const daemon = await start(await newFolder(), { security: { key }, logger: lineLogger(lines) });
  const wrong = Array.from({ length: 50 }, () => client(daemon, { key: generateKey() }));
  for (const result of await Promise.allSettled(wrong)) expect(result.status).toBe('rejected');
  expect(await (await client(daemon, { key })).call('ping', {})).toMatchObject({ id: daemon.id });
  await daemon.close();
  expect(lines).toEqual([
    'a client without the right key from 127.0.0.1 was refused',
    'a client without the right key from 127.0.0.1 was refused 49 more times',
  ]);
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

test('of two servers with a copied state folder the later one goes on under a new identity', async () => {
  const [folder, copy] = [await newFolder(), await newFolder()];
  const before = await start(folder);
  const cmd = { path: 'cat', args: [] };
  const made = await (await client(before)).call('mkproc', { path: `/${before.id}/p`, cmd });
  await before.close();
  execFileSync('cp', ['-a', join(folder, 'state'), copy]);
  const first = await start(folder);
  const shared = first.id;
  const lines: string[] = [];
  const later = await start(copy, { logger: lineLogger(lines) });
  expect([later.id, later.socketPath]).toEqual([shared, expect.not.stringContaining(first.socketPath)]);

  const asker = await client(later);
  await asker.call('mkchan', { path: `/${shared}/c`, capacity: 1 });
  const { element } = await asker.call('mkproc', { path: `/${shared}/own`, cmd });
  const waiting = asker.call('wait', { path: `/${shared}/own` });
  // The one that was asked first does not matter: the later one yields.
  await (await client(first)).call('rejoin', { address: later.address });
  await until('two servers', () => first.members().length === 2 && later.members().length === 2);

  expect(first.id).toBe(shared);
  expect(later.id).not.toBe(shared);
  expect(first.members()).toEqual(later.members());
  const warned = lines.filter((line) => line.includes('under a new one'));
  expect(warned).toEqual([expect.stringMatching(new RegExp(`${shared}.*${later.id}`))]);

  // The elements have gone with the later one, to other paths; the first never heard of them, nor lost its own.
  const root = `/${later.id}`;
  const names = (await (await client(first, { target: later.id })).call('ls', { path: root })).entries;
  expect(names.map(({ path }) => path)).toEqual([`${root}/c`, `${root}/own`, `${root}/p`]);
  expect(await asker.call('peek', { path: `${root}/own`, element })).toMatchObject({ state: { Phase: 'running' } });
  expect(await asker.call('peek', { path: `${root}/p` })).toMatchObject({ state: { Exit: 'unknown' } });
  const atFirst = await client(first);
  expect((await atFirst.call('ls', { path: `/${shared}` })).entries.map(({ path }) => path)).toEqual([`/${shared}/p`]);
  expect(await atFirst.call('peek', { path: `/${shared}/p`, element: made.element })).toMatchObject({
    state: { Pid: made.pid, Phase: 'running' },
  });

  // Who still speaks of the former id is told, and not led to its other holder.
  await expect(asker.call('peek', { path: `/${shared}/own`, element })).rejects.toMatchObject({ code: 'gone' });
  await asker.call('signal', { path: `${root}/own`, signal: 'KILL' });
  expect(await waiting).toMatchObject({ Exit: 'signal: killed' });

  // The new identity is kept, and with it the paths.
  const { id } = later;
  await later.close();
  const again = await start(copy);
  expect(again.id).toBe(id);
  expect((await (await client(again)).call('ls', { path: `/${id}` })).entries).toHaveLength(2);
});

test('suicide answers and ends the daemon', async () => {
  const daemon = await start(await newFolder());
  expect(await (await client(daemon)).call('suicide', {})).toEqual({});
  await daemon.closed;
});
