import { defaultKeyPath, ensureKeyFile, formatKey, generateKey, readKeyFile, writeKeyFile } from '@circuit/keys';
import { execFileSync } from 'node:child_process';
import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { testFolder } from './folder.js';

async function modeOf(path: string): Promise<number> {
  return (await stat(path)).mode & 0o777;
}

test('the default file follows XDG_CONFIG_HOME when that is absolute', () => {
  expect(defaultKeyPath({ env: {}, home: '/home/ann' })).toBe('/home/ann/.config/circuit/key');
  expect(defaultKeyPath({ env: { XDG_CONFIG_HOME: '/conf' }, home: '/home/ann' })).toBe('/conf/circuit/key');
  for (const value of ['', 'conf'])
    expect(defaultKeyPath({ env: { XDG_CONFIG_HOME: value }, home: '/h' })).toBe('/h/.config/circuit/key');
});

test('the first start makes the file, 0600 in folders of 0700, the second reads it', async () => {
  const folder = await testFolder();
  const path = join(folder, 'new', 'circuit', 'key');
  const first = await ensureKeyFile(path);
  const second = await ensureKeyFile(path);
  expect([first.made, second.made]).toEqual([true, false]);
  expect(second.key.id).toBe(first.key.id);
  expect(first.warning).toBeUndefined();
  expect(await modeOf(path)).toBe(0o600);
  expect(await modeOf(join(folder, 'new', 'circuit'))).toBe(0o700);
  expect(await readdir(join(folder, 'new', 'circuit'))).toEqual(['key']);
});

test('of twenty starts at once exactly one makes the key and all use the same', async () => {
  const folder = await testFolder();
  const path = join(folder, 'key');
  const all = await Promise.all(Array.from({ length: 20 }, () => ensureKeyFile(path)));
  expect(all.filter(({ made }) => made)).toHaveLength(1);
  expect(new Set(all.map(({ key }) => key.id)).size).toBe(1);
  expect(await readdir(folder)).toEqual(['key']);
});

test('a key written to a file reads back, also a read-only one', async () => {
  const folder = await testFolder();
  const key = generateKey();
  await writeKeyFile(join(folder, 'full'), key);
  await writeKeyFile(join(folder, 'ro'), key.readOnly());
  expect((await readKeyFile(join(folder, 'full'))).key.secret()).toEqual(key.secret());
  expect((await readKeyFile(join(folder, 'ro'))).key).toMatchObject({ right: 'read-only', id: key.readOnly().id });
});

test('an existing file is never overwritten', async () => {
  const path = join(await testFolder(), 'key');
  await writeFile(path, 'precious');
  await expect(writeKeyFile(path, generateKey())).rejects.toMatchObject({ code: 'conflict' });
  expect(await readFile(path, 'utf8')).toBe('precious');
});

test('a file that others can read is used, with a warning that says what to run', async () => {
  const path = join(await testFolder(), 'key');
  await writeKeyFile(path, generateKey());
  await chmod(path, 0o644);
  const { warning } = await readKeyFile(path);
  expect(warning).toContain('has mode 0644');
  expect(warning).toContain(`chmod 600 ${path}`);
});

test('an absent file, a folder, garbage and a huge file are four clear errors', async () => {
  const folder = await testFolder();
  const path = join(folder, 'key');
  await expect(readKeyFile(path)).rejects.toMatchObject({ code: 'not-found', detail: 'ENOENT' });
  await mkdir(join(folder, 'dir'));
  await expect(readKeyFile(join(folder, 'dir'))).rejects.toMatchObject({ code: 'invalid' });
  await writeFile(path, '%%%');
  await expect(readKeyFile(path)).rejects.toThrow(`key file ${path} is not base64`);
  await writeFile(path, 'A'.repeat(20_000));
  await expect(readKeyFile(path)).rejects.toThrow(/has 20000 bytes/);
});

test('garbage in the place of the default file is an error, not a reason for a new key', async () => {
  const path = join(await testFolder(), 'key');
  await writeFile(path, 'short');
  await expect(ensureKeyFile(path)).rejects.toMatchObject({ code: 'invalid' });
  expect(await readFile(path, 'utf8')).toBe('short');
});

test('a FIFO in the place of a key is refused, not waited for', async () => {
  const path = join(await testFolder(), 'key');
  execFileSync('/bin/sh', ['-c', 'mkfifo "$0"', path]);
  await expect(readKeyFile(path)).rejects.toMatchObject({ code: 'invalid' });
});

test.skipIf(process.getuid?.() === 0)('a file that may not be read is denied', async () => {
  const path = join(await testFolder(), 'key');
  await writeFile(path, formatKey(generateKey()), { mode: 0o000 });
  await expect(readKeyFile(path)).rejects.toMatchObject({ code: 'denied', detail: 'EACCES' });
});

test('a place that cannot be written is an error that names it', async () => {
  const folder = await testFolder();
  await writeFile(join(folder, 'file'), '');
  await expect(ensureKeyFile(join(folder, 'file', 'key'))).rejects.toThrow(join(folder, 'file', 'key'));
  expect(await readdir(folder)).toEqual(['file']);
});

test.skipIf(process.platform !== 'linux')('a folder that cannot be made is an error, not an endless try', async () => {
  await expect(writeKeyFile('/proc/circuit/a/key', generateKey())).rejects.toMatchObject({ code: 'not-found' });
  await expect(ensureKeyFile('/proc/circuit/a/key')).rejects.toThrow('write /proc/circuit/a/key');
});
