import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findExecutable } from '../../src/platform/executable.js';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ck-'));
  writeFileSync(join(folder, 'plain'), '', { mode: 0o644 });
  writeFileSync(join(folder, 'tool'), '#!/bin/sh\n', { mode: 0o755 });
});
afterAll(() => rmSync(folder, { recursive: true }));

test('a name is searched on PATH and a path is taken from the working folder', () => {
  expect(findExecutable({ path: 'tool', cwd: '/', searchPath: `/nowhere:${folder}` })).toEqual({
    ok: true,
    file: join(folder, 'tool'),
  });
  expect(findExecutable({ path: './tool', cwd: folder, searchPath: '' })).toMatchObject({ ok: true });
});

test('what is missing is 127, what is there and no program is 126', () => {
  const query = { cwd: folder, searchPath: folder };
  expect(findExecutable({ ...query, path: 'none' })).toMatchObject({
    exitCode: 127,
    errno: 'ENOENT',
    what: 'executable',
  });
  expect(findExecutable({ ...query, path: './none' })).toMatchObject({ exitCode: 127, errno: 'ENOENT' });
  expect(findExecutable({ ...query, path: './plain/x' })).toMatchObject({ exitCode: 127, errno: 'ENOTDIR' });
  expect(findExecutable({ ...query, path: 'plain' })).toMatchObject({ exitCode: 126, errno: 'EACCES' });
  expect(findExecutable({ ...query, path: folder })).toMatchObject({ exitCode: 126, errno: 'EACCES' });
});

test('a bad working folder is told apart from a bad program', () => {
  const missing = findExecutable({ path: 'tool', cwd: '/nowhere', searchPath: folder });
  expect(missing).toMatchObject({
    what: 'cwd',
    errno: 'ENOENT',
    message: expect.stringContaining('/nowhere') as string,
  });
  expect(findExecutable({ path: 'tool', cwd: join(folder, 'tool'), searchPath: folder })).toMatchObject({
    what: 'cwd',
    errno: 'ENOTDIR',
  });
});
