import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { until } from '@circuit/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type TestCluster, testCluster } from '../src/testing.js';
import { Shell } from './shell.js';

let cluster: TestCluster;
beforeEach(async () => {
  cluster = await testCluster({ nodes: 3 });
});
afterEach(() => cluster.close());

test('a server that stands still: what waits for it fails, it is gone from ls, and it is back once it goes on', async () => {
  const shell = new Shell(cluster);
  await using client = await cluster.connect(0);
  await using behind = await cluster.connect(2);
  const silent = `/${behind.serverId}`;
  await client.walk(`${silent}/chan`).makeChan(0);
  const relayed = client.walk(`${silent}/chan`).chan().recv().catch(codeOf);
  const direct = behind.walk(`${silent}/chan`).chan().recv().catch(codeOf);
  await until('two receivers', async () => (await client.walk(`${silent}/chan`).chan().stat()).Receivers.length === 2);

  cluster.servers[2]?.kill('SIGSTOP');
  const since = performance.now();
  expect(await relayed).toBe('outcome-unknown');
  await until('it to be gone', async () => (await client.servers()).length === 2);
  expect(performance.now() - since).toBeGreaterThan(5000);
  expect((await shell.run('ls')).out).not.toContain(silent);
  expect((await shell.run('peek', silent)).code).toBe(3);
  // A client of the silent server finds out by itself.
  expect(await direct).toBe('outcome-unknown');

  cluster.servers[2]?.kill('SIGCONT');
  await until('it to be back', async () => (await client.servers()).length === 3);
  expect((await shell.run('peek', `${silent}/chan`)).code).toBe(0);
});

test('a server that stands still for four seconds is never missed', async () => {
  await using client = await cluster.connect(0);
  await using other = await cluster.connect(2);
  const { serverId } = other;
  // Time is what is tested: what is promised are seconds of the system's clock for whole processes. The membership alone shows the same
  // by a clock moved by hand (a stop of five seconds, in mesh-membership.test.ts).
  const stopping = spawn(
    'sh',
    ['-c', `kill -STOP ${cluster.servers[2]?.pid} && echo && sleep 4; kill -CONT ${cluster.servers[2]?.pid}`],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const over = once(stopping, 'exit');
  await once(stopping.stdout, 'data');
  const answer = client.walk(`/${serverId}`).peek();
  const seen = new Set<number>();
  let answered = false;
  void answer.then(() => (answered = true));
  await until('its answer', async () => {
    seen.add((await client.servers()).length);
    return answered;
  });
  await over;
  expect([...seen]).toEqual([3]);
  expect((await answer).kind).toBe('server');
});

function codeOf(error: { readonly code?: string }): string | undefined {
  return error.code;
}
