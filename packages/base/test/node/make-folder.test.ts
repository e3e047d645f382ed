import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeFolder } from '@circuit/base/node';
import { afterEach, beforeEach, expect, test } from 'vitest';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'circuit-base-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

test('a folder is made with its parents, for its owner alone', async () => {
  await makeFolder(join(root, 'a/b/c'));
  for (const name of ['a', 'a/b', 'a/b/c']) expect((await stat(join(root, name))).mode & 0o777).toBe(0o700);
});

test('what is there stays as it is', async () => {
  await makeFolder(root);
  await writeFile(join(root, 'file'), 'x');
  await makeFolder(join(root, 'file'));
  expect((await stat(join(root, 'file'))).isFile()).toBe(true);
});

test('several may make the same folder at once', async () => {
  await Promise.all(Array.from({ length: 20 }, () => makeFolder(join(root, 'a/b/c/d'))));
  expect((await stat(join(root, 'a/b/c/d'))).isDirectory()).toBe(true);
});

test('below a file it is refused', async () => {
  await writeFile(join(root, 'file'), 'x');
  await expect(makeFolder(join(root, 'file/a/b'))).rejects.toMatchObject({ code: 'ENOTDIR' });
});

test.skipIf(process.platform !== 'linux')(
  'where the system answers that nothing can be there, it ends with an error instead of trying for ever',
  async () => {
    await expect(makeFolder('/proc/circuit/a/b')).rejects.toMatchObject({ code: 'ENOENT' });
  },
);
