import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deferred } from '@circuit/base';
import type { KeeperSet } from '@circuit/keeper/client';
import type { Cmd } from '@circuit/protocol';
import { until } from '@circuit/testkit';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Asked, TestClient } from '../support/request.js';
import { idA, openKeepers, Rig } from '../support/rig.js';

const path = `/${idA}/p`;
let folder: string;
let keepers: KeeperSet;
let rig: Rig;
let client: TestClient;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cd-'));
  keepers = await openKeepers(folder);
  rig = await Rig.open({ keepers, folder });
  client = rig.client();
});
afterEach(async () => {
  await rig.close();
  await keepers.shutdown();
  await rm(folder, { recursive: true, force: true });
});

const sh = (script: string, more: Partial<Cmd> = {}): Cmd => ({ path: 'sh', args: ['-c', script], ...more });

async function textOf(asked: Asked<'output'>): Promise<string> {
  let text = '';
  for (;;) {
    const told = await asked.next();
    if (told === undefined) return text;
    if (told.event.type === 'gap') text += `[gap ${told.event.from}-${told.event.to}]`;
    else for await (const chunk of told.event.source) text += Buffer.from(chunk).toString();
  }
}

test('a process is made, read and waited for', async () => {
  const made = await client.call('mkproc', { path, cmd: sh('echo out; echo err >&2; exit 3') });
  const [stdout, stderr] = [
    client.ask('output', { path, stream: 'stdout' }),
    client.ask('output', { path, stream: 'stderr' }),
  ];
  expect(await textOf(stdout)).toBe('out\n');
  expect(await textOf(stderr)).toBe('err\n');
  expect(await stdout.result).toEqual({ offset: 4, ended: true });
  const state = await client.call('wait', { path, element: made.element });
  expect(state).toMatchObject({ Phase: 'exited', ExitCode: 3, Exit: 'exit status 3', Pid: made.pid });
  expect(await client.call('peek', { path })).toMatchObject({
    kind: 'proc',
    state: { StdoutBytes: 4, StderrBytes: 4 },
  });
});

test('what cannot be started leaves the anchor empty and says which of 127 and 126 it is', async () => {
  await expect(client.call('mkproc', { path, cmd: { path: 'no-such-program', args: [] } })).rejects.toMatchObject({
    code: 'cannot-start',
    detail: 'ENOENT',
  });
  const file = join(folder, 'plain');
  await writeFile(file, 'text');
  await expect(client.call('mkproc', { path, cmd: { path: file, args: [] } })).rejects.toMatchObject({
    code: 'cannot-start',
    detail: 'EACCES',
  });
  expect(await client.call('ls', { path: `/${idA}` })).toEqual({ entries: [] });
  expect(await readdir(join(folder, 'procs'))).toEqual([]);
});

test('standard input belongs to one at a time, and its end reaches the process', async () => {
  await client.call('mkproc', { path, cmd: { path: 'cat', args: [] } });
  const stdin = client.ask('stdin', { path });
  const told = await stdin.next();
  await expect(client.call('stdin', { path })).rejects.toMatchObject({ code: 'conflict' });
  if (told?.event.type !== 'open') throw new Error('not opened');
  await told.event.sink.write(Buffer.from('hello'));
  told.event.sink.close();
  expect(await stdin.result).toEqual({ bytes: 5 });
  expect(await client.call('wait', { path })).toMatchObject({ ExitCode: 0 });
  expect(await textOf(client.ask('output', { path, stream: 'stdout' }))).toBe('hello');
});

test('a client that goes with an open standard input leaves it to the next', async () => {
  await client.call('mkproc', { path, cmd: { path: 'cat', args: [] } });
  const first = client.ask('stdin', { path });
  const told = await first.next();
  if (told?.event.type === 'open') await told.event.sink.write(Buffer.from('a'));
  first.giveUp();
  let second = client.ask('stdin', { path });
  await until('the input is free', async () => {
    const next = await second.next();
    if (next?.event.type === 'open') {
      await next.event.sink.write(Buffer.from('b'));
      next.event.sink.close();
      return true;
    }
    second = client.ask('stdin', { path });
    return false;
  });
  await second.result;
  expect(await client.call('wait', { path })).toMatchObject({ ExitCode: 0 });
});

/** Keeps the start of a process waiting until `goesOn`, in front of the keeper or behind it, and gives it up meanwhile; how the start fared. */
async function givenUp(where: 'before' | 'behind', cmd: Cmd): Promise<'fulfilled' | 'rejected'> {
  const [waits, goesOn] = [deferred(), deferred()];
  const wait = async (): Promise<void> => {
    waits.resolve();
    await goesOn.promise;
  };
  const start = keepers.start.bind(keepers);
  const spy = vi.spyOn(keepers, 'start').mockImplementation(async (...args) => {
    if (where === 'before') await wait();
    const started = await start(...args);
    if (where === 'behind') await wait();
    return started;
  });
  const asked = client.ask('mkproc', { path, cmd });
  await waits.promise;
  asked.giveUp();
  // Behind it, so that the server has heard of it.
  await client.call('ping', {});
  goesOn.resolve();
  await until('the start to be over', () => (spy.mock.settledResults[0]?.type ?? 'incomplete') !== 'incomplete');
  return spy.mock.settledResults[0]?.type as 'fulfilled' | 'rejected';
}

test('a start that is given up before the keeper is asked starts nothing', async () => {
  const file = join(folder, 'started');
  expect(await givenUp('before', sh(`touch ${file}; sleep 1000`))).toBe('rejected');
  await until('nothing is kept', async () => (await readdir(join(folder, 'procs'))).length === 0);
  expect(keepers.list()).toEqual([]);
  await expect(client.call('peek', { path })).rejects.toMatchObject({ code: 'not-found' });
  expect(await readdir(folder)).not.toContain('started');
});

test('a start that is given up while the keeper is at it leaves nothing', async () => {
  expect(await givenUp('behind', sh('sleep 1000'))).toBe('fulfilled');
  await until('the process to be gone', () => keepers.list().length === 0);
  await until('nothing is kept', async () => (await readdir(join(folder, 'procs'))).length === 0);
  await expect(client.call('peek', { path })).rejects.toMatchObject({ code: 'not-found' });
});

test('signals stop, continue and end', async () => {
  await client.call('mkproc', { path, cmd: { path: 'sleep', args: ['60'] } });
  const phase = async (): Promise<unknown> => ((await client.call('peek', { path })).state as { Phase: string }).Phase;
  await client.call('signal', { path, signal: 'STOP' });
  await until('it is stopped', async () => (await phase()) === 'stopped');
  await client.call('signal', { path, signal: 'CONT' });
  await until('it goes on', async () => (await phase()) === 'continued');
  await client.call('signal', { path, signal: 'TERM' });
  expect(await client.call('wait', { path })).toMatchObject({
    Phase: 'signaled',
    Signal: 'TERM',
    Exit: 'signal: terminated',
  });
  await expect(client.call('signal', { path, signal: 'TERM' })).rejects.toMatchObject({ code: 'gone' });
});

test('scrub aborts the waiters and the process goes on', async () => {
  const { pid } = await client.call('mkproc', { path, cmd: { path: 'sleep', args: ['60'] } });
  const waiting = client.ask('wait', { path });
  await until('it is asked', () => client.session.stats.channels > 1);
  await client.call('scrub', { path });
  await expect(waiting.result).rejects.toMatchObject({ code: 'aborted' });
  await expect(client.call('peek', { path })).rejects.toMatchObject({ code: 'not-found' });
  process.kill(pid, 0);
  process.kill(pid, 'SIGKILL');
});

test('errors of a process name its path and not the id that its keeper knows', async () => {
  await client.call('mkproc', { path, cmd: { path: 'sleep', args: ['1000'] } });
  const stdin = client.ask('stdin', { path });
  await stdin.next();
  await expect(client.call('stdin', { path })).rejects.toMatchObject({
    code: 'conflict',
    message: `stdin ${path}: stdin of the process has a writer`,
  });
  await client.call('signal', { path, signal: 'KILL' });
  await client.call('wait', { path });
  await expect(client.call('signal', { path, signal: 'KILL' })).rejects.toMatchObject({
    code: 'gone',
    message: `signal ${path}: the process has ended`,
  });
});

test('a reader of a process that is scrubbed hears of the scrub', async () => {
  const { pid } = await client.call('mkproc', { path, cmd: sh('echo up; exec sleep 1000') });
  const reader = client.ask('output', { path, stream: 'stdout' });
  expect((await reader.next())?.event.type).toBeDefined();
  await client.call('scrub', { path });
  await expect(reader.result).rejects.toMatchObject({
    code: 'aborted',
    message: `output ${path}: the process was scrubbed`,
  });
  process.kill(pid, 'SIGKILL');
});

test('scrub with kill ends the process', async () => {
  const { pid } = await client.call('mkproc', { path, cmd: { path: 'sleep', args: ['60'] } });
  await client.call('scrub', { path, kill: true });
  await until('it is dead', () => {
    try {
      process.kill(pid, 0);
      return false;
    } catch {
      return true;
    }
  });
});

test('a process with Scrub goes by itself once its readers and waiters are done', async () => {
  const made = await client.call('mkproc', { path, cmd: sh('echo bye', { scrub: true }) });
  const output = client.ask('output', { path, stream: 'stdout' });
  expect(await client.call('wait', { path, element: made.element })).toMatchObject({ ExitCode: 0 });
  expect(await textOf(output)).toBe('bye\n');
  await until('the anchor is gone', async () => (await client.call('ls', { path: `/${idA}` })).entries.length === 0);
  await expect(client.call('wait', { path, element: made.element })).rejects.toMatchObject({ code: 'gone' });
  await until('nothing is kept', async () => (await readdir(join(folder, 'procs'))).length === 0);
});

test('two readers both see everything, one of them from an offset', async () => {
  await client.call('mkproc', { path, cmd: sh('echo one; echo two') });
  await client.call('wait', { path });
  const all = client.ask('output', { path, stream: 'stdout' });
  const rest = client.ask('output', { path, stream: 'stdout', offset: 4, follow: false });
  expect([await textOf(all), await textOf(rest)]).toEqual(['one\ntwo\n', 'two\n']);
});

test('in the mode pipe the process waits for its reader and nothing is lost', async () => {
  const bytes = 12 * 1_048_576;
  await client.call('mkproc', { path, cmd: { path: 'head', args: ['-c', String(bytes), '/dev/zero'], mode: 'pipe' } });
  await expect(rig.client('read').call('output', { path, stream: 'stdout' })).rejects.toMatchObject({ code: 'denied' });
  const output = client.ask('output', { path, stream: 'stdout' });
  expect((await textOf(output)).length).toBe(bytes);
  expect(await output.result).toEqual({ offset: bytes, ended: true });
  expect(await client.call('wait', { path })).toMatchObject({ ExitCode: 0, StdoutBytes: bytes });
});

test('the environment of a command replaces that of the server', async () => {
  await client.call('mkproc', { path, cmd: { path: '/usr/bin/env', args: [], env: ['A=1', 'B=x=y'], dir: '/' } });
  expect(await textOf(client.ask('output', { path, stream: 'stdout' }))).toBe('A=1\nB=x=y\n');
});

test('a client that goes leaves no reader behind', async () => {
  await client.call('mkproc', { path, cmd: { path: 'sleep', args: ['60'], mode: 'pipe' } });
  const other = rig.client();
  const reading = other.ask('output', { path, stream: 'stdout' });
  await until('it is asked', () => other.session.stats.channels > 1);
  await expect(client.call('output', { path, stream: 'stdout' })).rejects.toMatchObject({ code: 'conflict' });
  other.session.abort();
  await expect(reading.result).rejects.toMatchObject({ code: 'aborted' });
  await until('the stream is free', async () => {
    const next = client.ask('output', { path, stream: 'stdout', follow: false });
    return next.result.then(
      () => true,
      () => false,
    );
  });
});

test('a process without a record is forgotten at the next start', async () => {
  const { pid } = await client.call('mkproc', { path, cmd: { path: 'sleep', args: ['60'] } });
  await rig.close();
  await rm(join(folder, 'procs'), { recursive: true });
  rig = await Rig.open({ keepers, folder });
  expect(keepers.list()).toEqual([]);
  process.kill(pid, 'SIGKILL');
});

test('a log whose beginning is no longer kept begins with a gap, for a reader that names no offset', async () => {
  await rig.close();
  await keepers.shutdown();
  keepers = await openKeepers(folder, { keepTotalBytes: 262_144, segmentBytes: 65_536 });
  rig = await Rig.open({ keepers, folder });
  client = rig.client();
  const bytes = 2_000_000;
  await client.call('mkproc', { path, cmd: { path: 'head', args: ['-c', String(bytes), '/dev/zero'] } });
  await client.call('wait', { path });
  const text = await textOf(client.ask('output', { path, stream: 'stdout' }));
  const [, to] = /^\[gap 0-(\d+)\]/.exec(text) ?? [];
  expect(Number(to)).toBeGreaterThan(0);
  expect(text.slice(text.indexOf(']') + 1)).toBe('\0'.repeat(bytes - Number(to)));
});
