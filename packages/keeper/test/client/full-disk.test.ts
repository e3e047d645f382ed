import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { requiresMount, until } from '@circuit/testkit';
import { expect, test } from 'vitest';
import { useKeepers } from '../fixtures/keepers.js';
import { readAll, readUntil, startOk } from '../fixtures/read-all.js';

const mountable = requiresMount();

const keepers = useKeepers();

function smallDisk(megabytes: number): string {
  const folder = join(keepers.folder, 'disk');
  mkdirSync(folder);
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'circuit-keeper-test', folder]);
  keepers.later(() => execFileSync('umount', ['-l', folder]));
  return folder;
}

test.skipIf(!mountable)('on a full disk a logged process goes on and its reader hears a gap', async () => {
  const disk = smallDisk(4);
  const set = await keepers.open({ segmentBytes: 65_536, keepTotalBytes: 1_000_000_000 }, disk);
  const id = await startOk(set, keepers.spec('sh', ['-c', 'seq 1 2000000; read go; echo after; exit 4']));
  await readUntil(set.openOutput(id, 'stdout', { from: 14_888_896 - 8 }), '>');
  // Room again: what the process says from now on is kept.
  execFileSync('mount', ['-o', 'remount,size=16m', disk]);
  await set.closeStdin(id);
  const ended = await set.wait(id);
  expect(ended.exit).toEqual({ kind: 'exited', code: 4 });
  expect(ended.stdout.endOffset).toBe(14_888_896 + 6);
  expect(ended.stdout.lostBytes).toBeGreaterThan(10_000_000);
  expect(ended.stdout.droppedBytes).toBe(ended.stdout.lostBytes);
  const text = await readAll(set, id);
  const whole = `${Array.from({ length: 2_000_000 }, (_, i) => `${i + 1}\n`).join('')}after\n`;
  const parts = [...text.matchAll(/<(\d+)-(\d+)>/g)].map(([, from, to]) => [Number(from), Number(to)] as const);
  expect(parts.reduce((sum, [from, to]) => sum + to - from, 0)).toBe(ended.stdout.lostBytes);
  let expected = '';
  let at = 0;
  for (const [from, to] of parts) {
    expected += `${whole.slice(at, from)}<${from}-${to}>`;
    at = to;
  }
  expect(text === expected + whole.slice(at)).toBe(true);
  expect(text.endsWith('after\n')).toBe(true);
});

test.skipIf(!mountable)('on a full disk a piped process waits and loses nothing', async () => {
  const disk = smallDisk(4);
  const set = await keepers.open({}, disk);
  const windowBytes = 16_777_216;
  const id = await startOk(set, keepers.spec('seq', ['1', '2000000'], { mode: 'pipe', windowBytes }));
  const reader = set.openOutput(id, 'stdout', { acknowledge: 'manual' });
  const first = await reader.read();
  expect(first.kind).toBe('data');
  await until('the disk is full', () => freeBytes(disk) === 0);
  execFileSync('mount', ['-o', 'remount,size=32m', disk]);
  await reader.close();
  const text = await readAll(set, id);
  expect(text === Array.from({ length: 2_000_000 }, (_, i) => `${i + 1}\n`).join('')).toBe(true);
});

test.skipIf(!mountable)('a start on a full disk is refused as a limit and leaves nothing', async () => {
  const disk = smallDisk(4);
  const set = await keepers.open({}, disk);
  await set.wait(await startOk(set, keepers.spec('true')));
  const ballast = join(disk, 'ballast');
  try {
    writeFileSync(ballast, Buffer.alloc(8_000_000));
  } catch {
    // Full, as wanted.
  }
  await expect(set.start(keepers.spec('true'))).rejects.toMatchObject({ code: 'limit', detail: 'ENOSPC' });
  rmSync(ballast);
  await set.wait(await startOk(set, keepers.spec('true')));
});

function freeBytes(disk: string): number {
  const { bavail, bsize } = statfsSync(disk);
  return bavail * bsize;
}

test.skipIf(!mountable)(
  'a keeper that finds no room is told to who starts, once, and comes when there is room',
  async () => {
    const disk = smallDisk(4);
    const set = await keepers.open({}, disk);
    const ballast = join(disk, 'ballast');
    try {
      writeFileSync(ballast, Buffer.alloc(8_000_000));
    } catch {
      // Full, as wanted.
    }
    for (let i = 0; i < 3; i++) {
      await expect(set.start(keepers.spec('true'))).rejects.toMatchObject({
        code: 'limit',
        detail: 'ENOSPC',
        message: expect.stringMatching(/^begin a keeper: write .*keeper\.mjs: the disk is full$/) as string,
      });
    }
    expect(keepers.lines.length).toBeLessThanOrEqual(1);
    expect(readdirSync(join(disk, 'keepers')).sort()).toEqual(['1', 'place.json']);
    rmSync(ballast);
    await until('a start', async () => {
      const started = await set.start(keepers.spec('true')).catch(() => undefined);
      return started?.ok === true;
    });
  },
);

test.skipIf(!mountable)('what a full disk refused and what was dropped to keep a bound is counted once', async () => {
  const disk = smallDisk(1);
  const set = await keepers.open({ segmentBytes: 65_536, keepTotalBytes: 1_000_000_000 }, disk);
  const id = await startOk(set, keepers.spec('sh', ['-c', 'read go; seq 1 200000'], { keepBytes: 262_144 }));
  const ballast = join(disk, 'ballast');
  try {
    writeFileSync(ballast, Buffer.alloc(8_000_000));
  } catch {
    // Full, as wanted.
  }
  await set.closeStdin(id);
  await set.wait(id);
  await until('the end of the stream', () => set.get(id)?.stdout.eof === true);
  const { endOffset, lostBytes, droppedBytes } = set.get(id)!.stdout;
  expect([endOffset, lostBytes, droppedBytes]).toEqual([1_288_895, 1_288_895, 1_288_895]);
  rmSync(ballast);
  expect(await readAll(set, id, 'stdout', { from: 0 })).toBe('<0-1288895>');
});
