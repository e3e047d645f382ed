import { chmodSync, existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { useKeepers } from '../fixtures/keepers.js';
import { readAll, startOk } from '../fixtures/read-all.js';

const keepers = useKeepers();

test.skipIf(process.platform !== 'linux')('a folder that cannot be made is an error, not an endless try', async () => {
  await expect(keepers.open({}, '/proc/circuit/state')).rejects.toMatchObject({ code: 'io', detail: 'ENOENT' });
});

test('a process runs, its output is read and its exit code kept', async () => {
  const set = await keepers.open();
  const id = await startOk(set, keepers.spec('sh', ['-c', 'echo out; echo err >&2; exit 7']));
  expect(await readAll(set, id)).toBe('out\n');
  expect(await readAll(set, id, 'stderr')).toBe('err\n');
  expect(await set.wait(id)).toMatchObject({ phase: 'ended', exit: { kind: 'exited', code: 7 } });
  expect((await set.spec(id)).args).toEqual(['-c', 'echo out; echo err >&2; exit 7']);
});

test('the environment given replaces the own one, and none given is the own one', async () => {
  const set = await keepers.open();
  const given = await startOk(set, keepers.spec('/usr/bin/env', [], { env: { ONLY: '1' } }));
  expect(await readAll(set, given)).toBe('ONLY=1\n');
  const own = await startOk(set, { path: '/usr/bin/env' });
  expect(await readAll(set, own)).toContain(`PATH=${process.env.PATH}\n`);
});

test('the program finds its working folder and its own name', async () => {
  const set = await keepers.open();
  const id = await startOk(set, keepers.spec('sh', ['-c', 'pwd; echo $0'], { cwd: '/usr' }));
  expect(await readAll(set, id)).toBe('/usr\nsh\n');
});

test('a child that opens /dev/stdout by name writes to the same stream', async () => {
  const set = await keepers.open();
  const id = await startOk(
    set,
    keepers.spec('sh', ['-c', 'echo a; echo b > /dev/stdout; echo c >> /dev/stdout; echo d']),
  );
  expect(await readAll(set, id)).toBe('a\nb\nc\nd\n');
});

test('what cannot be started is told with its reason and leaves no folder', async () => {
  const set = await keepers.open();
  const script = join(keepers.folder, 'script');
  writeFileSync(script, '#!/no/such/interpreter\n');
  chmodSync(script, 0o755);
  const plain = join(keepers.folder, 'plain');
  writeFileSync(plain, '', { mode: 0o644 });
  expect(await set.start(keepers.spec('no-such-program'))).toMatchObject({
    ok: false,
    code: 'not-found',
    exitCode: 127,
  });
  expect(await set.start(keepers.spec(plain))).toMatchObject({ code: 'not-executable', exitCode: 126 });
  expect(await set.start(keepers.spec('true', [], { cwd: '/nowhere' }))).toMatchObject({
    what: 'cwd',
    errno: 'ENOENT',
  });
  expect(await set.start(keepers.spec(script))).toMatchObject({
    code: 'not-executable',
    message: expect.stringContaining('interpreter') as string,
  });
  const long = await set.start(keepers.spec('true', ['x'.repeat(200_000)]));
  expect(long).toMatchObject({ ok: false, code: 'not-executable', errno: 'E2BIG' });
  expect(set.list()).toEqual([]);
  expect(readdirSync(join(keepers.folder, 'keepers/1/processes'))).toEqual([]);
});

test('an id is taken once, and a bad spec is invalid', async () => {
  const set = await keepers.open();
  const spec = keepers.spec('true', [], { id: 'one' });
  const both = await Promise.allSettled([set.start(spec), set.start(spec)]);
  expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  await expect(set.start(spec)).rejects.toMatchObject({ code: 'conflict' });
  await expect(set.start({ path: '' })).rejects.toMatchObject({ code: 'invalid' });
  await expect(set.start(keepers.spec('true', [], { id: '../x' }))).rejects.toMatchObject({ code: 'invalid' });
  await expect(set.start(keepers.spec('true', ['x'.repeat(2_000_000)]))).rejects.toMatchObject({ code: 'limit' });
});

test('what may hold secrets is readable by its owner only', async () => {
  const set = await keepers.open();
  const id = await startOk(set, keepers.spec('echo', ['x']));
  await set.wait(id);
  const folder = join(keepers.folder, 'keepers/1/processes', id);
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).mode & 0o777, name).toBe(0o600);
  expect(statSync(join(keepers.folder, 'keepers')).mode & 0o777).toBe(0o700);
  expect(statSync(join(keepers.folder, 'keepers/1')).mode & 0o777).toBe(0o700);
});

test('a socket path over 100 bytes is refused before anything is made', async () => {
  const deep = join(keepers.folder, 'x'.repeat(100));
  await expect(keepers.open({}, deep)).rejects.toMatchObject({ code: 'invalid', message: /at most 100/ });
  expect(existsSync(deep)).toBe(false);
  const set = await keepers.open({ socketFolder: join(keepers.folder, 's') }, deep);
  expect(await readAll(set, await startOk(set, keepers.spec('echo', ['far'])))).toBe('far\n');
});

test('200 processes of one line lose none, and each is whole before its end is told', async () => {
  const set = await keepers.open();
  const seen = new Map<string, number>();
  set.watch((event) => {
    if (event.kind === 'process' && event.process.phase === 'ended' && !seen.has(event.process.id)) {
      seen.set(event.process.id, event.process.stdout.endOffset);
    }
  });
  const one = async (n: number): Promise<void> => {
    const id = await startOk(set, keepers.spec('echo', [`line-${String(n).padStart(4, '0')}`]));
    expect((await set.wait(id)).exit).toEqual({ kind: 'exited', code: 0 });
    expect(seen.get(id)).toBe(10);
    expect(await readAll(set, id)).toBe(`line-${String(n).padStart(4, '0')}\n`);
    await set.forget(id);
  };
  for (let n = 0; n < 200; n += 8) await Promise.all(Array.from({ length: 8 }, (_, i) => one(n + i)));
  expect(set.list()).toEqual([]);
});
