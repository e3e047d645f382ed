import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestCluster, testCluster } from '../src/testing.js';
import { bin } from './command.js';

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await testCluster({ nodes: 1 });
});
afterAll(() => cluster.close());

test.skipIf(!existsSync('/dev/full'))('an output that takes nothing is one line and an exit code', () => {
  const command = `'${process.execPath}' '${bin}' ls -d ${cluster.addr} -hmac '${cluster.keyFile}' > /dev/full`;
  const { status, stderr } = spawnSync('/bin/sh', ['-c', command], { encoding: 'utf8' });
  expect([status, stderr]).toEqual([1, 'circuit: ls: write standard output: no space left on device\n']);
});

test('a closed standard output ends the command at once and without a word', async () => {
  await using client = await cluster.connect();
  const proc = await client.walk(client.serverId).walk('yes').makeProc({ path: 'yes', args: [], mode: 'pipe' });
  const command = `'${process.execPath}' '${bin}' stdout -d ${cluster.addr} -hmac '${cluster.keyFile}' ${proc.path} | head -n 1`;
  const { status, stdout, stderr } = spawnSync('/bin/sh', ['-c', command], { encoding: 'utf8' });
  expect([status, stdout, stderr]).toEqual([0, 'y\n', '']);
  await proc.scrub({ kill: true });
});
