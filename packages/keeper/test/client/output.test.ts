import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '@circuit/testkit';
import { expect, test } from 'vitest';
import { useKeepers } from '../fixtures/keepers.js';
import { readAll, readUntil, startOk } from '../fixtures/read-all.js';

const keepers = useKeepers();

function segmentsOf(id: string, stream = 'stdout'): string[] {
  return readdirSync(join(keepers.folder, 'keepers/1/processes', id)).filter(
    (name) => /^\w+\.\d{16}$/.test(name) && name.startsWith(stream),
  );
}

test('a reader follows a running process and its bytes come at once', async () => {
  const set = await keepers.open();
  const id = await startOk(set, keepers.spec('cat'));
  const reader = set.openOutput(id, 'stdout');
  const stdin = await set.openStdin(id);
  for (let i = 0; i < 20; i += 1) {
    await stdin.write(Buffer.from(`line ${i}\n`));
    expect(await readUntil(reader, '\n')).toBe(`line ${i}\n`);
  }
  await stdin.close();
  expect(await reader.read()).toEqual({ kind: 'end', offset: 150 });
  expect(await reader.read()).toEqual({ kind: 'end', offset: 150 });
  await reader.close();
});

test('two readers both see everything, from any offset, over many segments', async () => {
  const set = await keepers.open({ segmentBytes: 65_536 });
  const id = await startOk(set, keepers.spec('seq', ['1', '200000']));
  const [one, two] = await Promise.all([readAll(set, id), readAll(set, id)]);
  const whole = Array.from({ length: 200_000 }, (_, i) => `${i + 1}\n`).join('');
  expect(one === whole && two === whole).toBe(true);
  expect(segmentsOf(id).length).toBeGreaterThan(15);
  for (const from of [1, 65_535, 65_536, 700_001]) {
    expect((await readAll(set, id, 'stdout', { from })) === whole.slice(from)).toBe(true);
  }
  expect(await readAll(set, id, 'stdout', { from: 'end' })).toBe('');
});

test('a reader that does not follow ends where the stream is now', async () => {
  const set = await keepers.open();
  const id = await startOk(set, keepers.spec('sh', ['-c', 'echo now; exec sleep 1000']));
  await readUntil(set.openOutput(id, 'stdout'), 'now\n');
  expect(await readAll(set, id, 'stdout', { follow: false })).toBe('now\n');
});

test('log mode keeps its bound, drops the oldest whole segments and says what is missing', async () => {
  const set = await keepers.open();
  const keepBytes = 65_536;
  const id = await startOk(set, keepers.spec('seq', ['1', '200000'], { keepBytes }));
  const { stdout } = await set.wait(id);
  await until('the end of the stream', () => set.get(id)?.stdout.eof === true);
  const whole = Array.from({ length: 200_000 }, (_, i) => `${i + 1}\n`).join('');
  expect(stdout.endOffset).toBe(whole.length);
  const start = set.get(id)!.stdout.startOffset;
  expect(whole.length - start).toBeLessThanOrEqual(keepBytes);
  expect(whole.length - start).toBeGreaterThanOrEqual(keepBytes / 2);
  expect(await readAll(set, id)).toBe(whole.slice(start));
  expect(await readAll(set, id, 'stdout', { from: 100 })).toBe(`<100-${start}>${whole.slice(start)}`);
});

test('the bound over all processes takes from the largest, not from the quiet', async () => {
  const set = await keepers.open({ segmentBytes: 65_536, keepTotalBytes: 500_000 });
  const quiet = await startOk(set, keepers.spec('echo', ['quiet']));
  const large = await startOk(set, keepers.spec('seq', ['1', '200000']));
  await set.wait(large);
  await until('the end of the stream', () => set.get(large)?.stdout.eof === true);
  const { startOffset, endOffset } = set.get(large)!.stdout;
  expect(endOffset - startOffset).toBeLessThanOrEqual(500_000);
  expect(await readAll(set, quiet)).toBe('quiet\n');
});

test('one process alone keeps no more than the bound over all', async () => {
  const keepTotalBytes = 500_000;
  const set = await keepers.open({ keepTotalBytes });
  const id = await startOk(set, keepers.spec('seq', ['1', '200000']));
  await set.wait(id);
  await until('the end of the stream', () => set.get(id)?.stdout.eof === true);
  const { startOffset, endOffset } = set.get(id)!.stdout;
  expect(endOffset - startOffset).toBeLessThanOrEqual(keepTotalBytes);
  expect(endOffset - startOffset).toBeGreaterThan(keepTotalBytes / 2);
});

test('a running keeper takes over the bound of its next daemon', async () => {
  const first = await keepers.open({ segmentBytes: 65_536 });
  const id = await startOk(first, keepers.spec('sh', ['-c', 'seq 1 200000; exec sleep 1000']));
  await readUntil(first.openOutput(id, 'stdout'), '200000\n');
  await first.close();
  const second = await keepers.open({ keepTotalBytes: 300_000 });
  const { stdout } = second.get(id)!;
  expect(stdout.endOffset).toBe(1_288_895);
  expect(stdout.endOffset - stdout.startOffset).toBeLessThanOrEqual(300_000);
  expect(diskBytes(id)).toBeLessThanOrEqual(300_000);
  expect((await readAll(second, id, 'stdout', { follow: false })).endsWith('200000\n')).toBe(true);
});

test('in pipe mode the process waits for its reader and nothing is lost', async () => {
  const set = await keepers.open();
  const total = 64 * 1_048_576;
  const windowBytes = 1_048_576;
  const spec = keepers.spec('sh', ['-c', `yes 0123456 | head -c ${total}`], { mode: 'pipe', windowBytes });
  const id = await startOk(set, spec);
  const reader = set.openOutput(id, 'stdout');
  expect(() => set.openOutput(id, 'stdout')).toThrow(expect.objectContaining({ code: 'conflict' }) as Error);
  let read = 0;
  let largest = 0;
  for (let reads = 0; ; reads += 1) {
    const item = await reader.read();
    if (item.kind === 'end') break;
    if (item.kind === 'gap') throw new Error(`gap ${item.from}-${item.to}`);
    expect(item.offset).toBe(read);
    read += item.bytes.length;
    if (reads % 16 === 0) largest = Math.max(largest, diskBytes(id));
  }
  expect(read).toBe(total);
  expect(largest).toBeLessThan(4 * windowBytes);
  await reader.close();
  await set.wait(id);
});

test('a process in pipe mode stands still while nobody reads, and a later reader has every byte', async () => {
  const set = await keepers.open();
  const windowBytes = 131_072;
  const id = await startOk(set, keepers.spec('seq', ['1', '200000'], { mode: 'pipe', windowBytes }));
  const first = set.openOutput(id, 'stdout', { acknowledge: 'manual' });
  const item = await first.read();
  if (item.kind !== 'data') throw new Error(item.kind);
  // The window, what one more read may bring, and what the FIFO holds: then the process sleeps in its write.
  await until('the process waits', () => wchan(set.get(id)!.pid).includes('pipe'));
  expect(diskBytes(id)).toBeLessThanOrEqual(windowBytes + 65_536);
  first.acknowledge(10);
  await first.close();
  const whole = Array.from({ length: 200_000 }, (_, i) => `${i + 1}\n`).join('');
  expect(await readAll(set, id)).toBe(whole.slice(10));
});

test('the end is told at exit, the end of the stream when a grandchild lets go of it', async () => {
  const set = await keepers.open();
  const script = 'setsid sh -c "read line < $0; echo late" & echo early';
  const gate = join(keepers.folder, 'gate');
  const { execFileSync } = await import('node:child_process');
  execFileSync('mkfifo', [gate]);
  const id = await startOk(set, keepers.spec('sh', ['-c', script, gate]));
  const reader = set.openOutput(id, 'stdout');
  expect(await readUntil(reader, '\n')).toBe('early\n');
  const ended = await set.wait(id);
  expect(ended.exit).toEqual({ kind: 'exited', code: 0 });
  expect(ended.stdout.eof).toBe(false);
  const { writeFileSync, rmSync } = await import('node:fs');
  writeFileSync(gate, 'go\n');
  expect(await readUntil(reader, '\n')).toBe('late\n');
  expect(await reader.read()).toEqual({ kind: 'end', offset: 11 });
  rmSync(gate);
});

test('a waiting read is given up by its signal and goes on later', async () => {
  const set = await keepers.open();
  const id = await startOk(set, keepers.spec('cat'));
  const reader = set.openOutput(id, 'stdout');
  const stop = new AbortController();
  const read = reader.read({ signal: stop.signal });
  await expect(reader.read()).rejects.toMatchObject({ code: 'conflict' });
  stop.abort();
  await expect(read).rejects.toMatchObject({ code: 'cancelled' });
  const stdin = await set.openStdin(id);
  await stdin.write(Buffer.from('x\n'));
  expect(await readUntil(reader, '\n')).toBe('x\n');
  await reader.close();
  await expect(reader.read()).rejects.toMatchObject({ code: 'closed' });
});

test('forgetting removes the output, ends its readers, and leaves a running process unheard but alive', async () => {
  const set = await keepers.open();
  const id = await startOk(set, keepers.spec('sh', ['-c', 'while :; do echo x; done']));
  const { pid } = set.get(id)!;
  const reader = set.openOutput(id, 'stdout', { from: 'end' });
  const waiting = set.wait(id);
  await readUntil(reader, 'x');
  await set.forget(id);
  await expect(waiting).rejects.toMatchObject({ code: 'aborted' });
  await expect(reader.read()).rejects.toMatchObject({ code: 'gone' });
  expect(set.get(id)).toBeUndefined();
  expect(readdirSync(join(keepers.folder, 'keepers/1/processes'))).toEqual([]);
  const before = cpuTicks(pid);
  await until('the process goes on', () => cpuTicks(pid) > before + 2);
  // The same name may be used again at once; the end of the forgotten one does not touch it.
  await startOk(set, keepers.spec('sh', ['-c', 'read go; echo mine'], { id }));
  process.kill(-pid, 'SIGKILL');
  await until('the forgotten one is gone', () => !keepers.strays().includes(pid));
  await set.closeStdin(id);
  expect(await readAll(set, id)).toBe('mine\n');
  expect((await set.wait(id)).exit).toEqual({ kind: 'exited', code: 0 });
});

function diskBytes(id: string): number {
  const folder = join(keepers.folder, 'keepers/1/processes', id);
  return segmentsOf(id).reduce((sum, name) => sum + sizeOf(join(folder, name)), 0);
}

function sizeOf(file: string): number {
  try {
    return readFileSync(file).length;
  } catch {
    return 0;
  }
}

function wchan(pid: number): string {
  return readFileSync(`/proc/${pid}/wchan`, 'latin1');
}

function cpuTicks(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]!.split(' ');
  return Number(fields[11]) + Number(fields[12]);
}
