import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { socketOf } from '../../src/state/local-sockets.js';
import { Holders } from './holders.js';

let root: string;
let holders: Holders;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'ct-'));
  holders = await Holders.make(root, { ...process.env, XDG_RUNTIME_DIR: join(root, 'run'), XDG_STATE_HOME: root });
});

afterEach(async () => {
  await holders.end();
  await rm(root, { recursive: true, force: true });
});

test('the folder of another process is refused while it lives, and taken over once it was killed', async () => {
  const folder = join(root, 'var');
  const first = await holders.start(folder);
  expect(first.answer).toEqual({ path: folder });
  const refused = await holders.start(folder);
  expect(refused.answer.error).toMatchObject({ code: 'conflict', detail: 'locked' });
  expect(refused.answer.error?.message).toContain(`process ${first.pid}`);
  const before = await socketOf(folder);
  expect(before?.pid).toBe(first.pid);
  await first.kill();
  expect(await socketOf(folder)).toBeUndefined();
  const second = await holders.start(folder);
  expect(second.answer).toEqual({ path: folder });
  // The stale socket is gone, so it could bind the same one.
  expect(await socketOf(folder)).toMatchObject({ pid: second.pid, socketPath: before?.socketPath });
});

test('of several processes that take over from a dead one exactly one wins', async () => {
  const folder = join(root, 'var');
  await (await holders.start(folder)).kill();
  const tries = await Promise.all(Array.from({ length: 6 }, () => holders.start(folder)));
  const winners = tries.filter((one) => one.answer.path !== undefined);
  expect(winners).toHaveLength(1);
  expect((await socketOf(folder))?.pid).toBe(winners[0]?.pid);
});

test('a process that ends in order leaves no socket and a free folder', async () => {
  const folder = join(root, 'var');
  const first = await holders.start(folder);
  const socket = (await socketOf(folder))!.socketPath;
  await first.close();
  await expect(stat(dirname(socket))).rejects.toThrow(/ENOENT/);
  expect((await holders.start(folder)).answer).toEqual({ path: folder });
});

test.skipIf(process.getuid?.() === 0)('started without a folder each takes the first free one', async () => {
  const tries = await Promise.all([holders.start(), holders.start(), holders.start()]);
  const base = join(root, 'circuit');
  expect(tries.map((one) => one.answer.path).sort()).toEqual(['1', '2', '3'].map((name) => join(base, name)));
});
