import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { settle, until } from '@circuit/testkit';
import { build } from 'esbuild';
import { expect, test } from 'vitest';
import { procTable } from '../../src/platform/process-table.js';
import { useKeepers } from '../fixtures/keepers.js';
import { readAll, readUntil, startOk } from '../fixtures/read-all.js';

const keepers = useKeepers();

/** Counts to `n` with a short rest between the numbers, then exits with 5 when its stdin is closed. */
const counter = (n: number): string =>
  `i=0; while [ $i -lt ${n} ]; do i=$((i+1)); echo $i; sleep 0.002; done; read go; exit 5`;
const counted = (n: number): string => Array.from({ length: n }, (_, i) => `${i + 1}\n`).join('');

function keeperPid(): number {
  const text = readFileSync(join(keepers.folder, 'keepers/1/keeper.json'), 'utf8');
  return (JSON.parse(text) as { pid: number }).pid;
}

async function killKeeper(): Promise<number> {
  const pid = keeperPid();
  process.kill(pid, 'SIGKILL');
  await until('the keeper is dead', () => (procTable().read(pid)?.state ?? 'dead') === 'dead');
  return pid;
}

test('a killed daemon costs nothing: output without a gap, exit code kept', async () => {
  const script = join(keepers.folder, 'daemon.mjs');
  await build({
    entryPoints: [fileURLToPath(new URL('../fixtures/daemon.ts', import.meta.url))],
    outfile: script,
    bundle: true,
    platform: 'node',
    format: 'esm',
    conditions: ['@circuit/source'],
  });
  const daemon = spawn(process.execPath, [script, keepers.folder, keepers.bundlePath, counter(300)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(daemon.stdout, 'data')) as [Buffer];
  const id = line.toString().trim();
  daemon.kill('SIGKILL');
  await once(daemon, 'exit');
  const set = await keepers.open();
  expect(set.get(id)?.phase).toBe('running');
  await set.closeStdin(id);
  expect(await readAll(set, id)).toBe(counted(300));
  expect((await set.wait(id)).exit).toEqual({ kind: 'exited', code: 5 });
});

test('a killed keeper costs the exit code only: the child lives, its output goes on without a gap', async () => {
  const set = await keepers.open();
  const id = await startOk(set, keepers.spec('sh', ['-c', counter(200)]));
  const reader = set.openOutput(id, 'stdout');
  let text = await readUntil(reader, '20\n');
  const { pid } = set.get(id)!;
  const dead = await killKeeper();
  text += await readUntil(reader, '200\n');
  expect(text).toBe(counted(200));
  expect(keeperPid()).not.toBe(dead);
  expect(set.get(id)?.pid).toBe(pid);
  await set.closeStdin(id);
  const ended = await set.wait(id);
  expect(ended.exit).toMatchObject({ kind: 'unknown' });
  expect(await reader.read()).toMatchObject({ kind: 'end' });
  expect(await readAll(set, id)).toBe(counted(200));
});

test('a child that writes much while no keeper lives waits and then loses nothing', async () => {
  const set = await keepers.open();
  const id = await startOk(set, keepers.spec('sh', ['-c', 'read go; seq 1 100000']));
  const stdin = await set.openStdin(id);
  await set.close().catch(() => undefined);
  // The set let go of stdin without an end of file; the child still waits.
  const { writeFileSync } = await import('node:fs');
  const fifo = join(keepers.folder, 'keepers/1/processes', id, 'stdin.fifo');
  await expect(stdin.write(Buffer.from('x'))).rejects.toMatchObject({ code: 'closed' });
  process.kill(keeperPid(), 'SIGSTOP');
  writeFileSync(fifo, 'go\n');
  await killKeeper();
  const again = await keepers.open();
  expect(await readAll(again, id)).toBe(counted(100_000));
  expect((await again.wait(id)).exit).toMatchObject({ kind: 'unknown' });
});

test('a process that ended while no keeper lived is unknown, never 0', async () => {
  const set = await keepers.open();
  const id = await startOk(set, keepers.spec('sleep', ['1000']));
  const { pid } = set.get(id)!;
  await set.close();
  await killKeeper();
  process.kill(pid, 'SIGKILL');
  await until('the child is gone', () => !keepers.strays().includes(pid));
  const again = await keepers.open();
  expect((await again.wait(id)).exit).toMatchObject({ kind: 'unknown' });
  expect(await readAll(again, id)).toBe('');
});

test('signals, phases and stdin work on an adopted process', async () => {
  const set = await keepers.open();
  const id = await startOk(
    set,
    keepers.spec('sh', ['-c', 'exec 3<&0; while :; do if read x <&3; then echo $x; else sleep 0.01; fi; done']),
  );
  const dead = await killKeeper();
  // A request that meets the dying keeper is outcome unknown; this one is for its successor.
  await until('a next keeper is there', () => keeperPid() !== dead);
  await set.signal(id, 'SIGSTOP');
  await until('stopped', () => set.get(id)?.phase === 'stopped');
  await set.signal(id, 'SIGCONT');
  await until('continued', () => set.get(id)?.phase === 'continued');
  const stdin = await set.openStdin(id);
  await stdin.write(Buffer.from('hello\n'));
  await readUntil(set.openOutput(id, 'stdout'), 'hello\n');
  await stdin.close();
  await set.signal(id, 'SIGKILL', { group: true });
  expect((await set.wait(id)).exit).toMatchObject({ kind: 'unknown' });
});

test('what ended before the keeper was killed keeps its exit code', async () => {
  const set = await keepers.open();
  const done = await startOk(set, keepers.spec('sh', ['-c', 'echo done; exit 9']));
  await set.wait(done);
  await startOk(set, keepers.spec('sleep', ['1000']));
  await killKeeper();
  await set.signal(done, 'SIGTERM').catch(() => undefined);
  expect(set.get(done)?.exit).toEqual({ kind: 'exited', code: 9 });
  expect(await readAll(set, done)).toBe('done\n');
});

test('a grandchild that outlives process and keeper is read to its end, and the folder is finished then', async () => {
  const set = await keepers.open({ idleMs: 1 });
  const script = 'setsid sh -c "echo \\$\\$; while :; do sleep 0.01; done" & exit 6';
  const id = await startOk(set, keepers.spec('sh', ['-c', script]));
  const reader = set.openOutput(id, 'stdout');
  const grandchild = Number(await readUntil(reader, '\n'));
  await set.wait(id);
  const first = await killKeeper();
  await until('a next keeper reads on', () => keepers.strays().includes(keeperPid()) && keeperPid() !== first);
  const second = await killKeeper();
  process.kill(grandchild, 'SIGKILL');
  expect(await reader.read()).toMatchObject({ kind: 'end' });
  expect(keeperPid()).not.toBe(second);
  await until('the last keeper has ended', () => keepers.strays().length === 0);
  const again = await keepers.open();
  expect(again.get(id)).toMatchObject({ exit: { kind: 'exited', code: 6 }, stdout: { eof: true } });
  expect(keepers.strays()).toEqual([]);
});

test('a start in flight when the keeper dies is outcome unknown, and the next one works', async () => {
  const set = await keepers.open();
  await startOk(set, keepers.spec('sleep', ['1000']));
  const pid = keeperPid();
  process.kill(pid, 'SIGSTOP');
  const start = set.start(keepers.spec('true'));
  // Sent, but not read.
  await settle();
  process.kill(pid, 'SIGKILL');
  await expect(start).rejects.toMatchObject({ code: 'outcome-unknown' });
  const id = await startOk(set, keepers.spec('true'));
  expect((await set.wait(id)).exit).toEqual({ kind: 'exited', code: 0 });
});

test('a start that is given up once the keeper was asked is waited for, one before is none', async () => {
  const set = await keepers.open();
  const first = await startOk(set, keepers.spec('cat'));
  process.kill(keeperPid(), 'SIGSTOP');
  const stop = new AbortController();
  const starting = set.start(keepers.spec('cat'), { signal: stop.signal });
  await settle();
  stop.abort();
  await expect(set.start(keepers.spec('cat'), { signal: stop.signal })).rejects.toMatchObject({ code: 'cancelled' });
  process.kill(keeperPid(), 'SIGCONT');
  const answer = await starting;
  expect(answer.ok).toBe(true);
  expect(set.list()).toHaveLength(2);
  for (const { id } of set.list()) await set.closeStdin(id);
  await set.wait(first);
});
