import { readFileSync } from 'node:fs';
import { until } from '@circuit/testkit';
import { expect, test } from 'vitest';
import { useKeepers } from '../fixtures/keepers.js';
import { readAll, readUntil, startOk } from '../fixtures/read-all.js';

const keepers = useKeepers();

test('a process whose stdin nobody opened waits until it is closed', async () => {
  const set = await keepers.open();
  const id = await startOk(set, keepers.spec('sh', ['-c', 'echo ready; cat; echo done']));
  const reader = set.openOutput(id, 'stdout');
  expect(await readUntil(reader, '\n')).toBe('ready\n');
  expect(set.get(id)).toMatchObject({ phase: 'running', stdin: 'open' });
  await set.closeStdin(id);
  await set.closeStdin(id);
  expect(await readUntil(reader, '\n')).toBe('done\n');
  await set.wait(id);
  await expect(set.openStdin(id)).rejects.toMatchObject({ code: 'gone' });
});

test('a process started with a closed stdin has its end of file at once', async () => {
  const set = await keepers.open();
  const id = await startOk(set, keepers.spec('cat', [], { stdin: 'closed' }));
  expect((await set.wait(id)).exit).toEqual({ kind: 'exited', code: 0 });
});

test('ten megabytes arrive whole', async () => {
  const set = await keepers.open();
  const id = await startOk(set, keepers.spec('sha256sum'));
  const stdin = await set.openStdin(id);
  const { createHash, randomBytes } = await import('node:crypto');
  const hash = createHash('sha256');
  for (let i = 0; i < 10; i += 1) {
    const bytes = randomBytes(1_048_576);
    hash.update(bytes);
    await stdin.write(bytes);
  }
  await stdin.close();
  expect(await readAll(set, id)).toBe(`${hash.digest('hex')}  -\n`);
});

test('a second writer is a conflict until the first lets go, and then goes on', async () => {
  const set = await keepers.open();
  const id = await startOk(set, keepers.spec('cat'));
  const first = await set.openStdin(id);
  await first.write(Buffer.from('one '));
  await expect(set.openStdin(id)).rejects.toMatchObject({ code: 'conflict' });
  await expect(set.closeStdin(id)).rejects.toMatchObject({ code: 'conflict' });
  await first.release();
  await expect(first.write(Buffer.from('x'))).rejects.toMatchObject({ code: 'closed' });
  const second = await set.openStdin(id);
  await second.write(Buffer.from('two\n'));
  await second.close();
  expect(await readAll(set, id)).toBe('one two\n');
  await set.wait(id);
  await expect(set.openStdin(id)).rejects.toMatchObject({ code: 'gone' });
});

test('another set on the same folder hears the conflict from the keeper', async () => {
  const set = await keepers.open();
  const id = await startOk(set, keepers.spec('cat'));
  const other = await keepers.open();
  const stdin = await set.openStdin(id);
  await expect(other.openStdin(id)).rejects.toMatchObject({ code: 'conflict' });
  await stdin.close();
  await other.wait(id);
});

test('a closed stdin of the process is an error of the write, not a crash', async () => {
  const set = await keepers.open();
  const id = await startOk(set, keepers.spec('sh', ['-c', 'exec 0<&-; echo shut; exec sleep 1000']));
  await readUntil(set.openOutput(id, 'stdout'), 'shut\n');
  const stdin = await set.openStdin(id).catch((error: unknown) => error);
  if (stdin instanceof Error) {
    expect(stdin).toMatchObject({ code: 'closed' });
    return;
  }
  await expect((stdin as Awaited<ReturnType<typeof set.openStdin>>).write(Buffer.from('x'))).rejects.toMatchObject({
    code: 'closed',
    detail: 'EPIPE',
  });
});

test('a write waits while the process does not read, and ends when the process does', async () => {
  const set = await keepers.open();
  const id = await startOk(set, keepers.spec('sleep', ['1000']));
  const stdin = await set.openStdin(id);
  let outcome = 'waiting';
  const write = stdin.write(new Uint8Array(1_000_000)).then(
    () => (outcome = 'done'),
    (error: unknown) => (outcome = (error as { code: string }).code),
  );
  await until('the FIFO is full', () => isFull(set.get(id)!.pid));
  expect(outcome).toBe('waiting');
  await set.signal(id, 'SIGKILL');
  await write;
  expect(outcome).toBe('closed');
  await stdin.close();
});

test('a write given up by its signal ends the writer but not the stdin', async () => {
  const set = await keepers.open();
  const id = await startOk(set, keepers.spec('sleep', ['1000']));
  const stdin = await set.openStdin(id);
  const stop = new AbortController();
  const write = stdin.write(new Uint8Array(1_000_000), { signal: stop.signal });
  await until('the FIFO is full', () => isFull(set.get(id)!.pid));
  stop.abort();
  await expect(write).rejects.toMatchObject({ code: 'cancelled' });
  await expect(stdin.write(new Uint8Array(1))).rejects.toMatchObject({ code: 'closed' });
  await stdin.close();
  expect(set.get(id)?.stdin).toBe('open');
});

/** Nothing tells a FIFO's fill from outside; a process that never reads has got all that fits once it exists. */
function isFull(pid: number): boolean {
  return readFileSync(`/proc/${pid}/wchan`, 'latin1').includes('nanosleep');
}
