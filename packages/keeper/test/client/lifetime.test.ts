import { appendFileSync, copyFileSync, existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '@circuit/testkit';
import { expect, test } from 'vitest';
import { specialFiles, useKeepers } from '../fixtures/keepers.js';
import { readAll, startOk } from '../fixtures/read-all.js';

const keepers = useKeepers();

function keeperPid(number = 1): number {
  const text = readFileSync(join(keepers.folder, `keepers/${number}/keeper.json`), 'utf8');
  return (JSON.parse(text) as { pid: number }).pid;
}

test('no process, no keeper: the first start makes one, and the last daemon leaving an idle one ends it', async () => {
  const set = await keepers.open();
  expect(keepers.strays()).toEqual([]);
  const id = await startOk(set, keepers.spec('echo', ['kept']));
  await set.wait(id);
  expect(keepers.strays()).toEqual([keeperPid()]);
  await set.close();
  await until('the keeper has ended', () => keepers.strays().length === 0);
  expect(specialFiles(keepers.folder)).toEqual([]);
  const again = await keepers.open();
  expect(again.get(id)?.exit).toEqual({ kind: 'exited', code: 0 });
  expect(await readAll(again, id)).toBe('kept\n');
  expect(await again.wait(id)).toMatchObject({ phase: 'ended' });
  expect(keepers.strays()).toEqual([]);
  await again.forget(id);
  expect(existsSync(join(keepers.folder, 'keepers/1'))).toBe(false);
});

test('a keeper without work is let go while the daemon lives, and the next start brings it back', async () => {
  const set = await keepers.open({ idleMs: 1 });
  for (let i = 0; i < 3; i += 1) {
    const id = await startOk(set, keepers.spec('echo', [`round ${i}`]));
    await set.wait(id);
    await until('the keeper has ended', () => keepers.strays().length === 0);
    expect(await readAll(set, id)).toBe(`round ${i}\n`);
  }
  expect(readdirSync(join(keepers.folder, 'keepers'))).toEqual(['1', 'place.json']);
  expect(set.list()).toHaveLength(3);
});

test('starts in the very moment a keeper is let go all succeed', async () => {
  const set = await keepers.open({ idleMs: 0 });
  for (let i = 0; i < 15; i += 1) {
    const id = await startOk(set, keepers.spec('true'));
    expect((await set.wait(id)).exit).toEqual({ kind: 'exited', code: 0 });
    await set.forget(id);
  }
});

test('a keeper with a running process outlives its daemon and is found again', async () => {
  const set = await keepers.open();
  const id = await startOk(set, keepers.spec('sh', ['-c', 'read x; echo got $x; exit 3']));
  await set.close();
  await expect(set.start(keepers.spec('true'))).rejects.toMatchObject({ code: 'closed' });
  const again = await keepers.open();
  const stdin = await again.openStdin(id);
  await stdin.write(Buffer.from('it\n'));
  await stdin.close();
  expect((await again.wait(id)).exit).toEqual({ kind: 'exited', code: 3 });
  expect(await readAll(again, id)).toBe('got it\n');
});

test('after an upgrade new processes get a new keeper, and the old one ends with its last child', async () => {
  const old = await keepers.open();
  const before = await startOk(old, keepers.spec('sleep', ['1000']));
  await old.close();
  const bundlePath = join(keepers.folder, 'upgraded.mjs');
  copyFileSync(keepers.bundlePath, bundlePath);
  appendFileSync(bundlePath, '\n// another version\n');
  const set = await keepers.open({ bundlePath, idleMs: 1 });
  const after = await startOk(set, keepers.spec('sleep', ['1000']));
  expect(keeperPid(1)).not.toBe(keeperPid(2));
  const first = keeperPid(1);
  await set.signal(before, 'SIGTERM');
  expect((await set.wait(before)).exit).toEqual({ kind: 'signaled', signal: 'SIGTERM' });
  await until('the old keeper has ended', () => !keepers.strays().includes(first));
  expect(set.get(after)?.phase).toBe('running');
});

test('a keeper lives in its own session, in /, with nothing of the daemon but PATH', async () => {
  const set = await keepers.open();
  await startOk(set, keepers.spec('sleep', ['1000']));
  const pid = keeperPid();
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]!.split(' ');
  expect(Number(stat[3])).toBe(pid);
  expect(readlinkSync(`/proc/${pid}/cwd`)).toBe('/');
  expect(
    readFileSync(`/proc/${pid}/environ`, 'latin1')
      .split('\0')
      .filter(Boolean)
      .every((v) => v.startsWith('PATH=')),
  ).toBe(true);
  expect(readFileSync(`/proc/${pid}/cmdline`, 'latin1')).toContain(join(keepers.folder, 'keepers/1/keeper.mjs'));
});

test('shutdown kills every group and leaves the records', async () => {
  const set = await keepers.open();
  const id = await startOk(set, keepers.spec('sh', ['-c', 'sleep 1000 & sleep 1000']));
  await set.shutdown();
  expect(keepers.strays()).toEqual([]);
  const again = await keepers.open();
  expect(again.get(id)?.exit).toEqual({ kind: 'signaled', signal: 'SIGKILL' });
});

test('a group is killed also when its first process has ended and another holds the output', async () => {
  const set = await keepers.open();
  const id = await startOk(set, keepers.spec('sh', ['-c', 'sleep 1000 & echo bye']));
  const other = await startOk(set, keepers.spec('sh', ['-c', 'sleep 1000 & echo bye']));
  await set.wait(id);
  await set.wait(other);
  await expect(set.signal(id, 'SIGTERM')).rejects.toMatchObject({ code: 'gone' });
  await set.signal(id, 'SIGKILL', { group: true });
  await until('its output to end', () => set.get(id)?.stdout.eof === true);
  await expect(set.signal(id, 'SIGKILL', { group: true })).rejects.toMatchObject({ code: 'gone' });
  await set.shutdown();
  expect(keepers.strays()).toEqual([]);
});

test('a bundle that does not run is told with its words', async () => {
  const { writeFileSync } = await import('node:fs');
  const bundlePath = join(keepers.folder, 'broken.mjs');
  writeFileSync(bundlePath, 'throw new Error("broken on purpose");');
  const set = await keepers.open({ bundlePath });
  await expect(set.start(keepers.spec('true'))).rejects.toMatchObject({ code: 'io', message: /broken on purpose/ });
  await expect(keepers.open({ bundlePath: '/nowhere' })).rejects.toMatchObject({ code: 'invalid' });
  await set.close();
});
