import { spawn } from 'node:child_process';
import { createHash, randomBytes, randomFillSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const at = (path: string): string => fileURLToPath(new URL(`../../../../examples/${path}`, import.meta.url));

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: Buffer;
  readonly err: string;
}

test.each(['client', 'server'])('the %s has at most 60 lines', async (side) => {
  const text = await readFile(at(`remote-exec/${side}.ts`), 'utf8');
  expect(text.trimEnd().split('\n').length).toBeLessThanOrEqual(60);
});

const env = { ...process.env, EXEC_KEY: randomBytes(32).toString('hex') };

describe.each(['unix', 'tcp', 'tls', 'ws', 'http'])('over %s', (transport) => {
  let folder: string;
  let address: string;
  let server: ReturnType<typeof spawn>;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'remote-exec-'));
    const url = transport === 'unix' ? `unix:${folder}/socket` : `${transport}://127.0.0.1:0`;
    server = spawn(process.execPath, [at('dist/remote-exec/server.js'), url], {
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    address = await new Promise<string>((resolve, reject) => {
      server.stdout?.once('data', (line: Buffer) => resolve(line.toString().trim()));
      server.once('exit', (code) => reject(new Error(`the server ended with ${code}`)));
    });
  });
  afterAll(async () => {
    // One that has ended already has told so.
    const over = server.exitCode === null ? once(server, 'close') : undefined;
    server.kill();
    await over;
    await rm(folder, { recursive: true });
  });

  function exec(
    argv: readonly string[],
    input: Uint8Array | string = '',
    url = address,
  ): ReturnType<typeof begin>['ended'] {
    const running = begin([url, ...argv]);
    running.child.stdin.end(input);
    return running.ended;
  }

  function begin(argv: readonly string[]) {
    const child = spawn(process.execPath, [at('dist/remote-exec/client.js'), ...argv], { env, stdio: 'pipe' });
    const out: Buffer[] = [];
    let err = '';
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
    child.stdin.on('error', () => undefined);
    const ended = new Promise<Ended>((resolve) => {
      child.once('close', (code, signal) => resolve({ code, signal, out: Buffer.concat(out), err }));
    });
    return { child, ended };
  }

  test('arguments, both outputs and the exit status pass', async () => {
    const { code, out, err } = await exec(['sh', '-c', 'echo "$1"; echo error >&2; exit 42', 'sh', 'a b']);
    expect([code, out.toString(), err]).toEqual([42, 'a b\n', 'error\n']);
    expect((await exec(['true'])).code).toBe(0);
  });

  test('5,000,000 bytes in, and out again unchanged', async () => {
    const input = randomFillSync(Buffer.alloc(5_000_000));
    const { code, out } = await exec(['cat'], input);
    expect([code, out.length]).toEqual([0, input.length]);
    expect(out.equals(input)).toBe(true);
    const sum = await exec(['sha256sum'], input);
    expect(sum.out.toString()).toBe(`${createHash('sha256').update(input).digest('hex')}  -\n`);
  });

  test('a program that reads nothing ends with its own status', async () => {
    expect((await exec(['sh', '-c', 'exit 3'], Buffer.alloc(5_000_000))).code).toBe(3);
  });

  test('a missing program is 127, one that cannot be run 126, one ended by a signal 128 + n', async () => {
    expect((await exec(['no-such-program'])).code).toBe(127);
    expect((await exec(['/etc/passwd'])).code).toBe(126);
    expect((await exec(['sh', '-c', 'kill -TERM $$'])).code).toBe(143);
    expect((await exec(['sh', '-c', 'kill -KILL $$'])).code).toBe(137);
  });

  test('the program ends when its caller is killed', async () => {
    const running = begin([address, 'sh', '-c', 'echo $$; exec sleep 1000']);
    const pid = await new Promise<number>((resolve) => {
      running.child.stdout.once('data', (line: Buffer) => resolve(Number(line.toString())));
    });
    running.child.kill('SIGKILL');
    await running.ended;
    const { until } = await import('@circuit/testkit');
    await until('the program to be gone', () => !isAlive(pid));
  });

  test('nobody there is told', async () => {
    const nobody = transport === 'unix' ? `unix:${folder}/nobody` : `${transport}://127.0.0.1:1`;
    const { code, err } = await exec(['true'], '', nobody);
    expect([code, err]).toEqual([255, expect.stringMatching(/^exec: dial .*(no such|refused)/)]);
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
