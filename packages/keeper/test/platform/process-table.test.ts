import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { until } from '@circuit/testkit';
import { expect, test } from 'vitest';
import { identify, isAlive } from '../../src/folder/records.js';
import { parsePs, parseStat, procTable, type ProcessTable, psTable } from '../../src/platform/process-table.js';

const rest = '1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 20';

test('field 22 is found behind a name with spaces and brackets', () => {
  expect(parseStat(`7 (a) Z (b)) S ${rest}`)).toEqual({ startTime: '4711', state: 'alive' });
  expect(parseStat(`7 (x) T ${rest}`)?.state).toBe('stopped');
  expect(parseStat(`7 (x) Z ${rest}`)?.state).toBe('dead');
  expect(parseStat('')).toBeUndefined();
});

test('a line of ps is read as well', () => {
  expect(parsePs('T+   Mon Jan  1 00:00:00 2024\n')).toEqual({
    startTime: 'Mon Jan  1 00:00:00 2024',
    state: 'stopped',
  });
  expect(parsePs('')).toBeUndefined();
});

const tables: readonly (readonly [string, () => ProcessTable])[] = [
  ['/proc', procTable],
  ['ps', psTable],
];

test.each(tables)('%s tells a running, a stopped and a dead process apart', async (_, make) => {
  const table = make();
  const child = spawn('sleep', ['1000']);
  await once(child, 'spawn');
  const identity = identify(table, child.pid!)!;
  expect(isAlive(table, identity)).toBe(true);
  expect(isAlive(table, { ...identity, startTime: 'another' })).toBe(false);
  expect(isAlive(table, { ...identity, bootId: 'another' })).toBe(false);
  child.kill('SIGSTOP');
  await until('stopped', () => table.read(child.pid!)?.state === 'stopped');
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(isAlive(table, identity)).toBe(false);
});
