import { until } from '@circuit/testkit';
import { expect, test } from 'vitest';
import { useKeepers } from '../fixtures/keepers.js';
import { readUntil, startOk } from '../fixtures/read-all.js';

const keepers = useKeepers();

test('stopped and continued are seen, and the end by a signal is named', async () => {
  const set = await keepers.open();
  const phases: string[] = [];
  set.watch((event) => {
    if (event.kind === 'process' && phases.at(-1) !== event.process.phase) phases.push(event.process.phase);
  });
  const id = await startOk(set, keepers.spec('sleep', ['1000']));
  await set.signal(id, 'SIGSTOP');
  await until('stopped', () => set.get(id)?.phase === 'stopped');
  await set.signal(id, 'SIGCONT');
  await until('continued', () => set.get(id)?.phase === 'continued');
  await set.signal(id, 'SIGSTOP');
  await until('stopped again', () => set.get(id)?.phase === 'stopped');
  await set.signal(id, 'SIGKILL');
  expect((await set.wait(id)).exit).toEqual({ kind: 'signaled', signal: 'SIGKILL' });
  expect(phases).toEqual(['running', 'stopped', 'continued', 'stopped', 'ended']);
  await expect(set.signal(id, 'SIGTERM')).rejects.toMatchObject({ code: 'gone' });
});

test('a stop in the first moment of a process is not missed, nor one among many', async () => {
  const set = await keepers.open();
  const ids = await Promise.all(
    Array.from({ length: 20 }, () => startOk(set, keepers.spec('sh', ['-c', 'kill -STOP $$; exec sleep 1000']))),
  );
  await until('all are stopped', () => ids.every((id) => set.get(id)?.phase === 'stopped'));
  for (const id of ids) await set.signal(id, 'SIGCONT');
  await until('all go on', () => ids.every((id) => set.get(id)?.phase === 'continued'));
});

test('a signal reaches the process alone or its whole group', async () => {
  const set = await keepers.open();
  const script =
    'trap "echo parent" USR1; (trap "echo child" USR1; echo up; while :; do sleep 0.01; done) & while :; do sleep 0.01; done';
  const id = await startOk(set, keepers.spec('sh', ['-c', script]));
  const reader = set.openOutput(id, 'stdout');
  await readUntil(reader, 'up\n');
  await set.signal(id, 'SIGUSR1');
  expect(await readUntil(reader, 'parent\n')).toBe('parent\n');
  await set.signal(id, 'SIGUSR1', { group: true });
  let text = '';
  while (!text.includes('parent') || !text.includes('child')) text += await readUntil(reader, '\n');
  await expect(set.signal(id, 'SIGNONE')).rejects.toMatchObject({ code: 'invalid' });
  await expect(set.signal('nobody', 'SIGTERM')).rejects.toMatchObject({ code: 'not-found' });
});
