import { isCircuitError } from '@circuit/base';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { stateError } from '../../src/state/fs-error.js';
import { findLocalSockets, socketOf } from '../../src/state/local-sockets.js';
import { stateBase, type Surroundings } from '../../src/state/places.js';
import { linuxProcesses, ownIdentity, type ProcessTable, portableProcesses } from '../../src/state/process-identity.js';
import { StateFolder } from '../../src/state/state-folder.js';

let root: string;
let where: Surroundings;
const open: StateFolder[] = [];
/** Any user but root, whose place is fixed; the files are the test's own all the same. */
const uid = process.getuid?.() ?? 0;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'ct-'));
  where = { env: { XDG_STATE_HOME: join(root, 'state') }, uid, home: join(root, 'home'), temp: root };
});

afterEach(async () => {
  for (const state of open.splice(0)) await state.close();
  await rm(root, { recursive: true, force: true });
});

async function take(folder?: string, surroundings = where): Promise<StateFolder> {
  const state = await StateFolder.open({ folder, surroundings });
  open.push(state);
  return state;
}

function code(error: unknown): string {
  return isCircuitError(error) ? `${error.code} ${error.detail ?? ''}` : String(error);
}

test('the default place follows the user', () => {
  expect(stateBase({ ...where, uid: 0 })).toBe('/var/lib/circuit');
  expect(stateBase({ ...where, uid: 1000 })).toBe(join(root, 'state', 'circuit'));
  expect(stateBase({ ...where, uid: 1000, env: {} })).toBe(join(root, 'home', '.local', 'state', 'circuit'));
  expect(stateBase({ ...where, uid: 1000, env: { XDG_STATE_HOME: 'relative' } })).toContain('.local');
  expect(() => stateBase({ ...where, uid: 1000, env: {}, home: '' })).toThrow(/--var/);
});

test('folders are 0700, files 0600, and the socket path is short and unused', async () => {
  const state = await take(join(root, 'a', 'b'));
  for (const folder of [join(root, 'a'), state.path, dirname(state.socketPath)])
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
  await state.writeMembers([{ id: 'X1', addr: 'circuit://h:1' }]);
  const names = await readdir(state.path);
  expect(names.sort()).toEqual(['daemon.json', 'lock.1', 'members.json']);
  for (const name of names) expect((await stat(join(state.path, name))).mode & 0o777).toBe(0o600);
  await expect(stat(state.socketPath)).rejects.toThrow(/ENOENT/);
});

test('the folder of a living process is refused, naming it', async () => {
  const state = await take(join(root, 'var'));
  await expect(take(join(root, 'var'))).rejects.toThrow(
    `state folder ${state.path} is in use by process ${process.pid}`,
  );
  await state.close();
  await state.close();
  const again = await take(join(root, 'var'));
  expect(await readdir(again.path)).toEqual(expect.arrayContaining(['daemon.json', 'lock.2']));
});

test('the lock of another boot, of a pid used again and of garbage is taken over', async () => {
  const folder = join(root, 'var');
  const us = await ownIdentity(linuxProcesses);
  const records = [{ ...us, bootId: 'other' }, { ...us, startTime: '1' }, { ...us, pid: 'x' }, 7];
  for (const [index, record] of records.entries()) {
    await mkdir(folder, { mode: 0o700 });
    await writeFile(join(folder, 'lock.5'), JSON.stringify(record));
    const state = await take(folder);
    expect(await readdir(folder), String(index)).toContain('lock.6');
    expect(await readdir(folder)).not.toContain('lock.5');
    await state.close();
    await rm(folder, { recursive: true });
  }
});

test('of many who try at once exactly one gets a folder', async () => {
  const tries = await Promise.allSettled(Array.from({ length: 20 }, () => take(join(root, 'var'))));
  expect(tries.filter((one) => one.status === 'fulfilled')).toHaveLength(1);
  for (const one of tries) if (one.status === 'rejected') expect(code(one.reason)).toBe('conflict locked');
});

test('without a folder each takes the first free number', async () => {
  // No user: the place is that of everybody but root, and owners are not compared.
  const anybody = { ...where, uid: undefined };
  const states = await Promise.all([1, 2, 3].map(() => take(undefined, anybody)));
  const base = stateBase(anybody);
  expect(states.map((state) => state.path).sort()).toEqual(['1', '2', '3'].map((name) => join(base, name)));
  await states.find((state) => state.path.endsWith('/2'))?.close();
  expect((await take(undefined, anybody)).path).toBe(join(base, '2'));
});

test('a system without /proc still tells the living from the dead', async () => {
  const table: ProcessTable = portableProcesses;
  expect(await table.startTime(process.pid)).toBe('');
  expect(await table.startTime(1)).toBe('');
  expect(await table.startTime(2 ** 30)).toBeUndefined();
  const state = await StateFolder.open({ folder: join(root, 'var'), surroundings: where, processes: table });
  open.push(state);
  await expect(
    StateFolder.open({ folder: join(root, 'var'), surroundings: where, processes: table }),
  ).rejects.toSatisfy((error) => code(error) === 'conflict locked');
});

test('an empty folder of ours is narrowed, one with something in it is refused', async () => {
  const folder = join(root, 'var');
  await mkdir(folder);
  await chmod(folder, 0o755);
  await (await take(folder)).close();
  expect((await stat(folder)).mode & 0o777).toBe(0o700);
  const other = join(root, 'other');
  await mkdir(other);
  await writeFile(join(other, 'something'), '');
  await chmod(other, 0o755);
  await expect(take(other)).rejects.toThrow(/mode 0755.*chmod 700/);
  expect((await stat(other)).mode & 0o777).toBe(0o755);
});

test.skipIf(process.platform !== 'linux')(
  'a place where nothing can be made is refused and not tried for ever',
  async () => {
    await expect(take('/proc/circuit/var')).rejects.toThrow(/^prepare folder \/proc\/circuit\/var: /);
  },
);

test('a link, a file and the folder of another user are refused', async () => {
  await mkdir(join(root, 'real'), { mode: 0o700 });
  await symlink(join(root, 'real'), join(root, 'link'));
  await expect(take(join(root, 'link'))).rejects.toThrow(/symbolic link/);
  await writeFile(join(root, 'file'), '');
  await expect(take(join(root, 'file'))).rejects.toThrow(/no folder/);
  await expect(take(join(root, 'real'), { ...where, uid: uid + 1 })).rejects.toThrow(/belongs to user/);
});

test('a socket path that the system would cut is refused with the way out', async () => {
  const temp = join(root, 'x'.repeat(90));
  await mkdir(temp);
  await expect(take(join(root, 'var'), { ...where, temp })).rejects.toThrow(/longer than 100 bytes.*XDG_RUNTIME_DIR/);
  // The failure gave the lock back.
  await take(join(root, 'var'));
});

test('the runtime folder holds the socket when there is one', async () => {
  const state = await take(join(root, 'var'), { ...where, env: { XDG_RUNTIME_DIR: join(root, 'run') } });
  expect(state.socketPath).toMatch(/\/run\/circuit\/[0-9a-f]{8}\/daemon\.sock$/);
});

test('a socket folder that somebody opened to others is not used again', async () => {
  const folder = join(root, 'var');
  const first = await take(folder);
  const record = await readFile(join(folder, 'daemon.json'));
  await first.close();
  await mkdir(dirname(first.socketPath));
  await chmod(dirname(first.socketPath), 0o777);
  await writeFile(join(folder, 'daemon.json'), record);
  const second = await take(folder);
  expect(second.socketPath).not.toBe(first.socketPath);
  await rm(dirname(first.socketPath), { recursive: true });
});

test('known members survive; garbage is none', async () => {
  const state = await take(join(root, 'var'));
  expect(await state.readMembers()).toEqual([]);
  const members = [
    { id: 'X1', addr: 'circuit://h:1' },
    { id: 'X2', addr: 'circuit://h:2' },
  ];
  await state.writeMembers(members);
  expect(await state.readMembers()).toEqual(members);
  const file = join(state.path, 'members.json');
  for (const text of ['', '{', '7', '{"version":2,"members":[]}', '{"version":1,"members":{}}']) {
    await writeFile(file, text);
    expect(await state.readMembers()).toEqual([]);
  }
  await writeFile(file, '{"version":1,"members":[7,null,{"id":"X1"},{"id":"X2","addr":"a"}]}');
  expect(await state.readMembers()).toEqual([{ id: 'X2', addr: 'a' }]);
});

test.skipIf(process.platform !== 'linux')('a full disk is said as such', async () => {
  const full = stateError(await writeFile('/dev/full', 'x').catch((error: unknown) => error), 'write /dev/full');
  expect(full.message).toBe('write /dev/full: the disk is full');
  expect(code(full)).toBe('io ENOSPC');
});

test.skipIf(uid === 0)('a folder that cannot be written is said as such', async () => {
  await mkdir(join(root, 'locked'), { mode: 0o500 });
  await expect(take(join(root, 'locked', 'var'))).rejects.toSatisfy((error) => code(error) === 'denied EACCES');
});

test('the sockets of running daemons are found in the order of their folders, those that ended are not', async () => {
  const user: Surroundings = { ...where, uid };
  const base = stateBase({ ...user, uid: 1000 });
  const seen = { ...user, uid: 1000 };
  expect(await findLocalSockets(seen)).toEqual([]);
  const [second, first] = [await take(join(base, '2')), await take(join(base, '1'))];
  expect(await findLocalSockets(seen)).toEqual([
    { folder: first.path, socketPath: first.socketPath, pid: process.pid },
    { folder: second.path, socketPath: second.socketPath, pid: process.pid },
  ]);
  await first.close();
  await writeFile(
    join(base, '1', 'daemon.json'),
    '{"version":1,"pid":1073741824,"bootId":"","startTime":"","socket":"/x"}',
  );
  expect((await findLocalSockets(seen)).map((one) => one.folder)).toEqual([second.path]);
  expect(await socketOf(join(root, 'nowhere'))).toBeUndefined();
});
