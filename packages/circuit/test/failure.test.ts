import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { until } from '@circuit/testkit';
import { isCircuitError } from '@circuit/base';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type TestCluster, testCluster } from '../src/testing.js';
import { Shell } from './shell.js';

let cluster: TestCluster;
beforeEach(async () => {
  cluster = await testCluster({ nodes: 3 });
});
afterEach(() => cluster.close());

/** The path of the server `index`. */
async function serverPath(index: number): Promise<string> {
  await using client = await cluster.connect(index);
  return `/${client.serverId}`;
}

test('kill -9 of a server: waiters hear of it, the others go on without it, a restart brings its processes back', async () => {
  const shell = new Shell(cluster);
  const dead = await serverPath(2);
  await shell.feed(JSON.stringify({ Path: 'sleep', Args: ['1000'] }), 'mkproc', `${dead}/sleep`);
  const { Pid } = JSON.parse((await shell.run('peek', `${dead}/sleep`)).out) as { Pid: number };
  await using client = await cluster.connect(0);
  const chan = await client.walk(dead).walk('chan').makeChan(0);
  const waiting = client.walk(dead).walk('sleep').proc().wait();
  const sending = chan.send('never taken');
  const outcomes = Promise.allSettled([waiting, sending]);
  const command = shell.begin('run', dead, 'sh', '-c', 'echo up; sleep 1000');
  await until('the command to run', () => command.out() === 'up\n');
  await until('the sender to wait', async () => (await chan.stat()).Senders.length === 1);

  cluster.servers[2]?.kill('SIGKILL');
  const [wait, send] = await outcomes;
  expect(wait).toMatchObject({ status: 'rejected', reason: { code: 'peer-gone' } });
  expect(send).toMatchObject({ status: 'rejected', reason: { code: 'outcome-unknown' } });
  expect((await command.ended).code).toBe(255);
  await until('the others to have noticed', async () => (await client.servers()).length === 2);
  expect((await shell.run('peek', `${dead}/sleep`)).code).toBe(3);

  await cluster.restart(2);
  await until('it to be back', async () => (await client.servers()).length === 3);
  const back = JSON.parse((await shell.run('peek', `${dead}/sleep`)).out) as { Pid: number; Phase: string };
  expect(back).toMatchObject({ Pid, Phase: 'running' });
});

test('kill -9 of a keeper: wait says on standard error that nobody knows the end', async () => {
  const shell = new Shell(cluster);
  const path = `${await serverPath(0)}/sleep`;
  await shell.feed(JSON.stringify({ Path: 'sleep', Args: ['1000'] }), 'mkproc', path);
  const { Pid } = JSON.parse((await shell.run('peek', path)).out) as { Pid: number };
  const { stdout: keeper } = await promisify(execFile)('ps', ['-o', 'ppid=', '-p', `${Pid}`]);
  process.kill(Number(keeper), 'SIGKILL');
  process.kill(Pid, 'SIGTERM');
  const { code, out, err } = await shell.run('wait', path);
  expect([code, JSON.parse(out)]).toEqual([255, expect.objectContaining({ Exit: 'unknown', Phase: 'unknown' })]);
  expect(err).toMatch(/^circuit: wait: \/X.* nobody knows how.*\n$/);
});

test('kill -9 of the dialled server: its clients hear of it', async () => {
  const client = await cluster.connect(1);
  const far = await serverPath(0);
  const chan = await client.walk(far).walk('c').makeChan(0);
  const reading = client.walk(far).walk('c').chan().stat();
  await reading;
  const receiving = chan.recv();
  const outcome = receiving.then(
    () => undefined,
    (error: unknown) => error,
  );
  cluster.servers[1]?.kill('SIGKILL');
  expect(isCircuitError(await outcome, 'outcome-unknown')).toBe(true);
  expect(await client.closed).toMatchObject({ code: 'peer-gone' });
  await client.close();
});
