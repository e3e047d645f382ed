import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { CircuitError } from '@circuit/base';
import { runCommand } from '../src/run-command.js';
import { verbTable } from '../src/verb-table.js';
import { memoryIo } from './memory-io.js';

async function circuit(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  const io = memoryIo();
  const code = await runCommand(argv, io);
  return { code, out: io.out(), err: io.err() };
}

const systemServerRuns = process.getuid?.() === 0 && existsSync('/var/lib/circuit/1/daemon.json');

describe('the command', () => {
  test('says its version, which is that of the package', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
      version: string;
    };
    expect(await circuit('--version')).toEqual({ code: 0, out: `circuit ${version}\n`, err: '' });
  });

  test('lists its verbs, without arguments too', async () => {
    const { code, out } = await circuit('help');
    expect(code).toBe(0);
    for (const name of Object.keys(verbTable)) expect(out).toMatch(new RegExp(`^  ${name} `, 'm'));
    for (const argv of [[], ['--help'], ['-h']]) expect((await circuit(...argv)).out).toBe(out);
  });

  test('explains every verb, with every option', async () => {
    for (const [name, entry] of Object.entries(verbTable)) {
      const { code, out } = await circuit('help', name);
      expect(code).toBe(0);
      expect(out.split('\n')[0]).toContain(`circuit ${name}`);
      for (const option of Object.keys((await entry.load()).options)) expect(out).toContain(`--${option}`);
      expect((await circuit(name, '--help')).out).toBe(out);
    }
  });

  test('takes the options of every verb before the verb too', async () => {
    const behind = await circuit('ls', '-d', '127.0.0.1:1', '--insecure', '/X1');
    expect(behind).toMatchObject({ code: 125, err: expect.stringContaining('127.0.0.1:1') as string });
    expect(await circuit('-d', '127.0.0.1:1', '--insecure', 'ls', '/X1')).toEqual(behind);
    expect(await circuit('-dial=127.0.0.1:1', '-insecure', 'ls', '/X1')).toEqual(behind);
    const run = ['/X1', 'ls', '-d', 'x'];
    expect(await circuit('-d', '127.0.0.1:1', '--insecure', 'run', ...run)).toMatchObject({ code: 125 });
    for (const argv of [['-x', 'ls'], ['-d'], ['-d', '127.0.0.1:1'], ['--nodes', '3', 'dev'], ['--', 'ls']]) {
      const { code, err } = await circuit(...argv);
      expect([argv, code, err.split('\n').length]).toEqual([argv, 2, 2]);
    }
  });

  test('says that discovery is not built yet, and does not take -discover for -d', async () => {
    const { code, err } = await circuit('ls', '-discover', '228.8.8.8:8822');
    expect([code, err]).toEqual([
      1,
      expect.stringMatching(/^circuit: ls: discovery by multicast is not built yet.*-d ADDR\n$/),
    ]);
    expect((await circuit('ls', '-discover', '', '-d', '127.0.0.1:1', '--insecure')).code).toBe(125);
  });

  test('leaves --help behind the command of run to that command', async () => {
    const { out } = await circuit('run', '/X1', 'ls', '--help');
    expect(out).toBe('');
  });

  test('ends wrong usage with 2 and one line', async () => {
    for (const argv of [
      ['nope'],
      ['help', 'nope'],
      ['peek'],
      ['peek', '/X1', '/X2'],
      ['ls', '--nope'],
      ['ls', '-o', 'xml', '/'],
      ['ls', '-timeout', 'soon'],
      ['mkchan', '/X1/c', 'many'],
      ['mkchan', '/X1/c', '-1'],
      ['ls', '-d', '127.0.0.1:1', '-hmac', '/nonexistent/key'],
      ['start', '-hmac', '/nonexistent/key'],
      ['keygen', '--read-only', '-hmac', '/nonexistent/key'],
      ['mkchan', '/X1/*', '1'],
      ['send', 'X1/c'],
      ['signal', 'NOPE', '/X1/p'],
      ['suicide', '/X1/p'],
      ['join', '/X1/p', '127.0.0.1:1'],
      ['ls', '-d', 'nowhere'],
      ['stdout', '--offset', 'x', '/X1/p'],
      ['keygen', '--read-only'],
    ]) {
      const { code, out, err } = await circuit(...argv);
      expect([argv, code, out]).toEqual([argv, 2, '']);
      expect(err).toMatch(/^circuit: .*\n$/);
    }
  });

  // As root the state folder is the system's, whatever the environment says.
  test.skipIf(systemServerRuns)('ends with 125 when no server is there, and says what to do', async () => {
    for (const argv of [['ls'], ['peek', '/X1'], ['run', '/X1', 'true'], ['wait', '/X1/p']]) {
      const { code, out, err } = await circuit(...argv);
      expect([argv, code, out]).toEqual([argv, 125, '']);
      expect(err).toMatch(/no circuit server found: none runs on this machine: start one with circuit start/);
    }
  });

  test('says what is wrong in whole sentences', async () => {
    for (const [argv, said] of [
      [['signal', 'FOO', '/X1/p'], /^circuit: signal: signal is "FOO": use one of HUP /],
      [['mkchan', '/X1/c', '-1'], /^circuit: mkchan: capacity -1: write a whole number from 0\n$/],
      [['start', 'extra'], /^circuit: start: too many arguments: write circuit start\n$/],
      [
        ['ls', '-d', '127.0.0.1:1', '-hmac', '/nonexistent/key'],
        /^circuit: ls: read \/nonexistent\/key: no such file or directory\n$/,
      ],
    ] as const)
      expect((await circuit(...argv)).err).toMatch(said);
  });

  test('keeps wait and run to the codes that are set apart, and tells their outcome as JSON', async () => {
    for (const argv of [['run'], ['run', '/X1'], ['run', '--nope', '/X1', 'ls'], ['wait'], ['wait', 'X1']])
      expect([argv, (await circuit(...argv)).code]).toEqual([argv, 125]);
    const expected = {
      Outcome: 'not-begun',
      Code: 'unreachable',
      Message: expect.stringContaining('refused') as string,
    };
    const [dial, last] = [
      ['-d', '127.0.0.1:1', '--insecure'],
      (text: string): unknown => JSON.parse(text.trim().split('\n').at(-1) ?? ''),
    ];
    const waited = await circuit('wait', '-o', 'json', ...dial, '/X1/p');
    expect([waited.code, JSON.parse(waited.out)]).toEqual([125, expected]);
    const ran = await circuit('run', '-o', 'json', ...dial, '/X1', 'true');
    expect([ran.code, ran.out, last(ran.err)]).toEqual([125, '', expected]);
  });

  test('ends with 125 when the named server is not there', async () => {
    const { code, err } = await circuit('ls', '-d', 'unix:/nonexistent/socket');
    expect([code, err]).toEqual([125, 'circuit: ls: dial unix /nonexistent/socket: no such socket\n']);
  });

  test('ends with 130 and without a word when it is interrupted', async () => {
    const io = memoryIo();
    io.stop.abort(new CircuitError('cancelled', 'ended by SIGINT', { detail: 'SIGINT' }));
    expect(await runCommand(['waitall'], io)).toBe(130);
    expect(io.err()).toBe('');
  });

  test('makes keys, each another, and the read-only one of a key', async () => {
    const [first, second] = [await circuit('keygen'), await circuit('keygen')];
    expect(Buffer.from(first.out, 'base64')).toHaveLength(64);
    expect(second.out).not.toBe(first.out);
  });
});
