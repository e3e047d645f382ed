import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requiresMount } from '@circuit/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { bin } from './command.js';

const mountable = requiresMount();

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'circuit-disk-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Starts a server on a disk of that size, which only it can see and which goes with it; ends it at its first word. */
async function startOn(size: string): Promise<{ code: unknown; out: string; err: string }> {
  const script =
    'mount -t tmpfs -o size="$1" circuit-test "$2" && shift && cd "$1" && exec "$2" "$3" start --var "$1/state"';
  const child = spawn('unshare', ['-m', 'sh', '-c', script, 'sh', size, folder, process.execPath, bin], {
    env: { PATH: process.env['PATH'], HOME: folder, TMPDIR: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [out, err] = ['', ''];
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
    child.kill('SIGTERM');
  });
  const [code] = (await once(child, 'close')) as [unknown];
  return { code, out, err };
}

test.skipIf(!mountable).each(['4k', '8k', '12k', '16k', '20k', '24k', '28k', '400k'])(
  'on a disk of %s a start works, or says in one line that the disk is full',
  async (size) => {
    const { code, out, err } = await startOn(size);
    if (out !== '') expect([code, err]).toEqual([0, '']);
    else expect([code, err]).toEqual([1, expect.stringMatching(/^circuit: start: .*the disk is full\n$/)]);
    if (size === '400k') expect(out).toMatch(/^circuit:/);
    if (size === '4k') expect(out).toBe('');
  },
);
