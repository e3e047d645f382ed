import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { specialFiles, useKeepers } from '../fixtures/keepers.js';
import { readAll, readUntil, startOk } from '../fixtures/read-all.js';

const keepers = useKeepers();

test('a copied folder leaves the keeper and the processes of its original alone', async () => {
  const [original, copy] = [join(keepers.folder, 'a'), join(keepers.folder, 'b')];
  mkdirSync(original);
  const first = await keepers.open({}, original);
  const over = await startOk(first, keepers.spec('sh', ['-c', 'echo over; exit 3']));
  await first.wait(over);
  const runs = await startOk(first, keepers.spec('sh', ['-c', 'echo runs; read go; echo went on; exit 4']));
  await readUntil(first.openOutput(runs, 'stdout'), 'runs\n');
  execFileSync('cp', ['-a', original, copy]);
  const second = await keepers.open({}, copy);
  expect(second.get(over)?.exit).toEqual({ kind: 'exited', code: 3 });
  expect(second.get(runs)?.exit).toMatchObject({
    kind: 'unknown',
    reason: expect.stringContaining('copied') as string,
  });
  expect([await readAll(second, over), await readAll(second, runs)]).toEqual(['over\n', 'runs\n']);
  expect(keepers.lines).toEqual([expect.stringContaining('is a copy')]);
  // What the copy does with them, and its end by force, is no matter of the original's.
  await second.forget(runs);
  await second.wait(await startOk(second, keepers.spec('true')));
  await second.shutdown();
  expect(first.get(runs)?.phase).toBe('running');
  await first.closeStdin(runs);
  expect((await first.wait(runs)).exit).toEqual({ kind: 'exited', code: 4 });
  expect(await readAll(first, runs)).toBe('runs\nwent on\n');
  expect(specialFiles(copy)).toEqual([]);
});

test('a folder that was moved is no copy', async () => {
  const [before, after] = [join(keepers.folder, 'a'), join(keepers.folder, 'b')];
  mkdirSync(before);
  const first = await keepers.open({ idleMs: 0 }, before);
  const id = await startOk(first, keepers.spec('sh', ['-c', 'exit 3']));
  await first.wait(id);
  await first.shutdown();
  renameSync(before, after);
  const second = await keepers.open({}, after);
  expect(second.get(id)?.exit).toEqual({ kind: 'exited', code: 3 });
  expect(keepers.lines).toEqual([]);
});
