import { readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { isAlive, until } from '@circuit/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestCluster, testCluster } from '../src/testing.js';
import { script, Shell } from './shell.js';

let cluster: TestCluster;
let shell: Shell;
/** A server behind the dialled one: everything goes through a relay. */
let far: string;

beforeAll(async () => {
  cluster = await testCluster({ nodes: 3 });
  shell = new Shell(cluster);
  const ofThird = (await new Shell(cluster, 2).run('ls', '-o', 'name')).out.trim().split('\n');
  expect(ofThird).toHaveLength(3);
  await using client = await cluster.connect(0);
  far = ofThird.find((path) => path !== `/${client.serverId}`) ?? '';
});
afterAll(() => cluster.close());

/** How many sockets a process holds. */
function socketsOf(pid: number): number {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).filter((fd) => {
    try {
      return readlinkSync(join(folder, fd)).startsWith('socket:');
    } catch {
      return false;
    }
  }).length;
}

const ok = { code: 0, signal: null, out: '', err: '' };

describe('listing', () => {
  test('shows the same servers from each of them', async () => {
    const lists = await Promise.all([0, 1, 2].map((i) => new Shell(cluster, i).run('ls', '/')));
    const [first] = lists;
    expect(first?.out).toMatch(/^(\/X[0-9a-f]{16}\n){3}$/);
    expect(lists).toEqual([first, first, first]);
  });

  test('shows kinds, levels and patterns over all servers', async () => {
    expect(await shell.run('mkchan', `${far}/list/c`, '1')).toEqual(ok);
    expect((await shell.run('ls', `${far}/list`)).out).toBe(`${far}/list/c\n`);
    expect((await shell.run('ls', '-l', `${far}/...`)).out).toBe(
      `·              ${far}/list\nchan           ${far}/list/c\n`,
    );
    expect((await shell.run('ls', '-depth', `${far}/...`)).out).toBe(`${far}/list/c\n${far}/list\n`);
    expect((await shell.run('ls', '/*/list/*')).out).toBe(`${far}/list/c\n`);
    expect((await shell.run('ls', '/...')).out.split('\n')).toHaveLength(6);
    const [entry] = JSON.parse((await shell.run('ls', '-lo', 'json', `${far}/list`)).out) as unknown[];
    expect(entry).toEqual({ path: `${far}/list/c`, kind: 'chan', hasChildren: false });
    expect((await shell.run('ls', '-o', 'table', `${far}/list`)).out.split('\n')[0]).toMatch(/^PATH +HASCHILDREN$/);
  });

  test('of an anchor without an element is null, and as a table nothing', async () => {
    expect(await shell.run('mkchan', `${far}/empty/c`, '0')).toEqual(ok);
    expect(await shell.run('peek', `${far}/empty`)).toEqual({ ...ok, out: 'null\n' });
    expect(await shell.run('peek', '/')).toEqual({ ...ok, out: 'null\n' });
    expect(await shell.run('peek', '-o', 'table', `${far}/empty`)).toEqual(ok);
    expect((await shell.run('peek', '-o', 'table', `${far}/empty/c`)).out).toMatch(/^CAP +CLOSED/);
    expect(await shell.run('scrub', `${far}/empty/c`)).toEqual(ok);
  });

  test('ends with 3 where nothing is', async () => {
    for (const path of [`${far}/absent`, '/Xdead', '/*/absent/*', '/Xdead/...'])
      expect([path, (await shell.run('ls', path)).code]).toEqual([path, 3]);
  });
});

test('a server that is to join where nobody answers says so at once', async () => {
  const { code, err } = await shell.run('join', far, '127.0.0.1:1');
  expect([code, err]).toEqual([125, expect.stringMatching(/^circuit: join: .*127\.0\.0\.1:1: connection refused\n$/)]);
  expect((await shell.run('join', far, cluster.addr)).code).toBe(0);
});

describe('a process', () => {
  test('is started, watched and removed', async () => {
    const path = `${far}/proc/one`;
    expect(await shell.feed(script('echo out; echo err >&2; exit 3'), 'mkproc', path)).toEqual(ok);
    const waited = await shell.run('wait', path);
    expect(waited.code).toBe(3);
    expect(JSON.parse(waited.out)).toMatchObject({ Phase: 'exited', Exit: 'exit status 3', ExitCode: 3 });
    expect((await shell.run('stdout', path)).out).toBe('out\n');
    expect((await shell.run('stderr', path)).out).toBe('err\n');
    expect(JSON.parse((await shell.run('peek', path)).out)).toMatchObject({ Cmd: { Path: '/bin/sh' }, StdoutBytes: 4 });
    expect(await shell.run('scrub', path)).toEqual(ok);
    expect((await shell.run('peek', path)).code).toBe(3);
  });

  test('is what a pattern has to select, where processes are meant', async () => {
    await shell.run('mkchan', `${far}/none/chan`);
    for (const [verb, ...words] of [['signal', 'TERM'], ['wait'], ['stdout']] as const)
      for (const pattern of [`${far}/none/*`, `${far}/absent/*`])
        expect([verb, pattern, (await shell.run(verb, ...words, pattern)).code]).toEqual([verb, pattern, 3]);
    await shell.run('scrub', `${far}/none/chan`);
  });

  test('run until Ctrl-C takes along what it started and left behind', async () => {
    const command = shell.begin('run', far, 'sh', '-c', 'sleep 1000 & echo $!');
    await until('the number of the child', () => command.out().endsWith('\n'));
    const pid = Number(command.out());
    command.kill('SIGINT');
    expect((await command.ended).code).toBe(130);
    await until('the child to be gone', () => !isAlive(pid));
  });

  test('is waited for and run with an outcome as JSON', async () => {
    const path = `${far}/proc/json`;
    await shell.feed(script('sleep 1000'), 'mkproc', path);
    const late = await shell.run('wait', '-o', 'json', '--timeout', '50ms', path);
    expect([late.code, JSON.parse(late.out)]).toEqual([124, expect.objectContaining({ Outcome: 'deadline' })]);
    await shell.run('signal', 'KILL', path);
    const killed = await shell.run('wait', '-o', 'ndjson', path);
    expect([killed.code, JSON.parse(killed.out)]).toEqual([
      137,
      expect.objectContaining({ Outcome: 'ended', Phase: 'signaled', Signal: 'KILL' }),
    ]);
    await shell.run('scrub', path);
    const ran = await shell.run('run', '-o', 'json', far, 'sh', '-c', 'echo out; exit 4');
    expect([ran.code, ran.out, JSON.parse(ran.err)]).toEqual([
      4,
      'out\n',
      expect.objectContaining({ Outcome: 'ended', ExitCode: 4 }),
    ]);
  });

  test('takes and gives bytes at once', async () => {
    const path = `${far}/proc/cat`;
    await shell.feed(script('cat'), 'mkproc', path);
    const reader = shell.begin('stdout', path);
    const writer = shell.begin('stdin', path);
    writer.write('first\n');
    await until('the first line', () => reader.out() === 'first\n');
    expect((await shell.feed('x', 'stdin', path)).code).toBe(5);
    writer.write('second\n');
    writer.end();
    expect((await writer.ended).code).toBe(0);
    expect(await reader.ended).toMatchObject({ code: 0, out: 'first\nsecond\n' });
    expect((await shell.run('wait', path)).code).toBe(0);
    await shell.run('scrub', path);
  });

  test('is sent signals, in either order of the words', async () => {
    for (const words of [
      ['TERM', `${far}/proc/sleep`],
      [`${far}/proc/sleep`, 'sigterm'],
    ]) {
      await shell.feed(JSON.stringify({ path: 'sleep', args: ['1000'] }), 'mkproc', `${far}/proc/sleep`);
      expect(await shell.run('signal', ...words)).toEqual(ok);
      const { code, out } = await shell.run('wait', `${far}/proc/sleep`);
      expect([code, (JSON.parse(out) as { Exit: string }).Exit]).toEqual([143, 'signal: terminated']);
      await shell.run('scrub', `${far}/proc/sleep`);
    }
  });

  test('that cannot start says why and leaves nothing', async () => {
    const path = `${far}/proc/none`;
    const absent = await shell.feed('{"Path": "/no/such/file"}', 'mkproc', path);
    expect([absent.code, absent.out]).toEqual([127, '']);
    expect(absent.err).toMatch(/^circuit: mkproc: \/X.*\n$/);
    expect((await shell.feed('{"Path": "/etc/passwd"}', 'mkproc', path)).code).toBe(126);
    expect((await shell.feed('{"Path": "ls", "Wrong": 1}', 'mkproc', path)).err).toMatch(/"Wrong"/);
    expect((await shell.run('peek', path)).code).toBe(3);
  });

  test('that is waited for with others gives 0 or 6', async () => {
    const [good, bad] = [`${far}/all/good`, `${far}/all/bad`];
    await shell.feed(script('exit 0'), 'mkproc', good);
    await shell.feed(script('exit 1'), 'mkproc', bad);
    expect((await shell.feed(`${good}\n`, 'waitall')).code).toBe(0);
    expect((await shell.feed(`${good}\n${bad}\n`, 'waitall')).code).toBe(6);
    const missing = await shell.feed(`${good}\n${far}/all/absent\n`, 'waitall', '-o', 'name');
    expect([missing.code, missing.out]).toEqual([6, `${good}\n`]);
    expect((await shell.run('scrub', `${far}/all/*`)).code).toBe(2);
    expect(await shell.run('scrub', '--yes', `${far}/all/*`)).toEqual(ok);
    expect((await shell.run('ls', `${far}/all`)).code).toBe(3);
  });

  test('whose reader goes away is left alone, and the command ends without a word', async () => {
    const path = `${far}/proc/yes`;
    await shell.feed(JSON.stringify({ Path: 'yes', Backpressure: true }), 'mkproc', path);
    const reader = shell.begin('stdout', path);
    await until('some output', () => reader.out() !== '');
    reader.kill('SIGINT');
    expect(await reader.ended).toMatchObject({ code: 130, err: '' });
    await shell.run('scrub', '--kill', path);
  });
});

describe('a channel', () => {
  test('carries a message from one command to another', async () => {
    const path = `${far}/chan/one`;
    await shell.run('mkchan', path);
    const receiver = shell.begin('recv', path);
    const text = 'x'.repeat(3_000_000);
    expect(await shell.feed(text, 'send', path)).toEqual(ok);
    const received = await receiver.ended;
    expect([received.code, received.out === text, received.err]).toEqual([0, true, '']);
    expect(JSON.parse((await shell.run('peek', path)).out)).toMatchObject({ Cap: 0, NumSend: 1, NumRecv: 1 });
  });

  test('holds messages, is closed once, and then says so', async () => {
    const path = `${far}/chan/two`;
    await shell.run('mkchan', path, '2');
    expect(await shell.feed('one', 'send', path)).toEqual(ok);
    expect((await shell.run('mkchan', path, '2')).code).toBe(5);
    expect(await shell.run('close', path)).toEqual(ok);
    expect((await shell.run('close', path)).code).toBe(5);
    expect((await shell.feed('late', 'send', path)).code).toBe(5);
    expect(await shell.run('recv', path)).toMatchObject({ code: 0, out: 'one' });
    const empty = await shell.run('recv', path);
    expect([empty.code, empty.out]).toEqual([5, '']);
    expect((await shell.run('wait', path)).code).toBe(125);
  });

  test('prints a value of a program as one line of JSON', async () => {
    await using client = await cluster.connect(1);
    const chan = await client.walk(far).walk('chan/values').makeChan(2);
    await chan.send({ job: [1, 2] });
    expect(await shell.run('recv', chan.path)).toMatchObject({ code: 0, out: '{"job":[1,2]}\n' });
  });

  test('scrubbed under a waiting sender ends it with 5', async () => {
    const path = `${far}/chan/scrubbed`;
    await shell.run('mkchan', path);
    const sender = shell.begin('send', path);
    await until('the sender to wait', async () => (await shell.run('peek', path)).out.includes('"Who"'));
    await shell.run('scrub', path);
    expect((await sender.ended).code).toBe(5);
  });
});

describe('running a command', () => {
  test('passes its streams and its code', async () => {
    const ended = await shell.feed('in', 'run', far, 'sh', '-c', 'cat; echo err >&2; exit 42');
    expect(ended).toEqual({ code: 42, signal: null, out: 'in', err: 'err\n' });
    expect((await shell.run('ls', `${far}/run-*`)).code).toBe(3);
  });

  test('gives 127 for what is not there, 124 when it takes too long, 125 before it begins', async () => {
    expect((await shell.run('run', far, 'no-such-command')).code).toBe(127);
    const late = await shell.run('run', '--timeout', '300ms', `${far}/late`, 'sleep', '1000');
    expect([late.code, late.err]).toEqual([124, 'circuit: run: the command: not done within 300 ms\n']);
    expect((await shell.run('peek', `${far}/late`)).code).toBe(3);
    expect((await shell.run('run', '/Xdead', 'true')).code).toBe(125);
  });

  test('is ended by Ctrl-C with everything it started', async () => {
    const running = shell.begin('run', `${far}/interrupted`, 'sh', '-c', 'sleep 1000 & echo $!; wait');
    await until('the pid', () => running.out().endsWith('\n'));
    running.kill('SIGINT');
    expect(await running.ended).toMatchObject({ code: 130, err: '' });
    expect((await shell.run('peek', `${far}/interrupted`)).code).toBe(3);
    await until('the grandchild to be gone', () => !isAlive(Number(running.out())));
  });
});

describe('waiting', () => {
  test('is given up by Ctrl-C and by time', async () => {
    const path = `${far}/wait/long`;
    await shell.feed(JSON.stringify({ Path: 'sleep', Args: ['1000'] }), 'mkproc', path);
    const waiting = shell.begin('wait', path);
    expect((await shell.run('wait', '--timeout', '100ms', path)).code).toBe(124);
    // Its handler of signals is there before it dials; standard input, output and error are sockets, too.
    if (process.platform === 'linux') await until('it to have dialled', () => socketsOf(waiting.pid) > 3);
    waiting.kill('SIGINT');
    expect(await waiting.ended).toMatchObject({ code: 130, out: '', err: '' });
    expect(await shell.run('scrub', '--kill', path)).toEqual(ok);
  });
});

test('a server is never scrubbed', async () => {
  expect((await shell.run('scrub', far)).code).toBe(5);
  expect((await shell.run('scrub', '--yes', '/*')).code).toBe(3);
  expect((await shell.run('scrub', '/')).code).toBe(2);
});
