import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Scope } from '@circuit/base';
import { isAlive, until } from '@circuit/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { begin, circuit, type Running } from './command.js';
import { script } from './shell.js';

let scope: Scope;
let folder: string;
let env: Record<string, string>;

beforeEach(async () => {
  scope = new Scope();
  folder = await mkdtemp(join(tmpdir(), 'circuit-dev-'));
  scope.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 10 }));
  env = { HOME: folder, TMPDIR: folder };
});
afterEach(() => scope.close());

/** Starts a cluster with one process on its second server. */
async function develop(): Promise<{ dev: Running; pids: number[] }> {
  const dev = begin(['dev', '--nodes', '2'], { env });
  scope.defer(async () => {
    dev.kill('SIGKILL');
    await dev.ended;
  });
  await until('two addresses', () => dev.out().split('\n').length === 3);
  const [first = '', second = ''] = dev.out().split('\n');
  // The key is the user's own, so nothing needs to be named.
  const servers = (await circuit(['ls', '-d', second], '', { env })).out.trim().split('\n');
  expect(servers).toHaveLength(2);
  const path = `${servers[1] ?? ''}/sleep`;
  expect((await circuit(['mkproc', '-d', first, path], script('exec sleep 1000'), { env })).code).toBe(0);
  const { Pid } = JSON.parse((await circuit(['peek', '-d', first, path], '', { env })).out) as { Pid: number };
  const daemons = [first, second].map((address) => Number(address.split('/')[3]));
  return { dev, pids: [...daemons, Pid] };
}

test.each(['SIGINT', 'SIGTERM'] as const)('dev serves until %s, then nothing of it is left', async (signal) => {
  const { dev, pids } = await develop();
  dev.kill(signal);
  expect(await dev.ended).toMatchObject({ code: signal === 'SIGINT' ? 130 : 143, err: '' });
  for (const pid of pids) await until(`${pid} to be gone`, () => !isAlive(pid));
  // The key stays: it is the user's.
  expect((await readdir(folder)).filter((name) => name.startsWith('circuit-'))).toEqual([]);
});

test('the daemons end when dev is killed', async () => {
  const { dev, pids } = await develop();
  dev.kill('SIGKILL');
  await dev.ended;
  for (const pid of pids) await until(`${pid} to be gone`, () => !isAlive(pid));
});

test('what a dev and its daemons left that were all killed is ended and removed by the next one', async () => {
  const { dev, pids } = await develop();
  const [one = 0, other = 0, child = 0] = pids;
  // The daemons first: they would end by themselves when dev is gone.
  for (const pid of [one, other, dev.pid]) process.kill(pid, 'SIGKILL');
  await dev.ended;
  const left = (await readdir(folder)).filter((name) => name.startsWith('circuit-dev-'));
  expect([left.length, isAlive(child)]).toEqual([1, true]);
  // One that is being made, and what is no folder, are nobody's litter.
  await mkdir(join(folder, 'circuit-dev-new'));
  await writeFile(join(folder, 'circuit-dev-file'), '');

  const { dev: next } = await develop();
  await until('the process to be gone', () => !isAlive(child));
  await until('the folder to be gone', async () => !(await readdir(folder)).includes(left[0] ?? ''));
  next.kill('SIGTERM');
  await next.ended;
  const names = (await readdir(folder)).filter((name) => name.startsWith('circuit-'));
  expect(names.sort()).toEqual(['circuit-dev-file', 'circuit-dev-new']);
});

test('dev refuses a number of servers that makes no sense', async () => {
  for (const nodes of ['0', '100', 'many'])
    expect((await circuit(['dev', '--nodes', nodes], '', { env })).code).toBe(2);
});
