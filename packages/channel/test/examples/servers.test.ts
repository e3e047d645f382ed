import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { bytePipe, pipe, type Sender, type Session } from '@circuit/channel';
import { descriptorOf } from '@circuit/channel/descriptors';
import { dialVia } from '@circuit/channel/gateway';
import { dialTcp } from '@circuit/channel/tcp';
import { dialUnix } from '@circuit/channel/unix';
import { dialWebSocket } from '@circuit/channel/websocket';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { canPass } from '../descriptors/unix-pair.js';
import { bundle } from '../support/bundle.js';

const examples = fileURLToPath(new URL('../../../../examples', import.meta.url));

let folder: string;
let children: ChildProcess[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'server-'));
  for (const [from, to] of [
    ['../../native', 'native'],
    ['../../../../node_modules', 'node_modules'],
  ] as const) {
    symlinkSync(fileURLToPath(new URL(from, import.meta.url)), join(folder, to));
  }
  children = [];
});

afterEach(async () => {
  for (const child of children.filter(({ exitCode }) => exitCode === null)) {
    const over = once(child, 'exit');
    child.kill('SIGKILL');
    await over;
  }
  rmSync(folder, { recursive: true });
});

/** A server of its own process: its first line, and what it says of errors. */
interface Server {
  readonly line: string;
  readonly child: ChildProcess;
  readonly said: () => string;
}

interface Program {
  readonly args: () => readonly string[];
  /** Where the example's own client begins. */
  readonly client?: string;
  /** Prints a line when it listens, in place of the client. */
  readonly ready?: string;
  readonly env?: () => NodeJS.ProcessEnv;
}

/** Starts an example, or the part of it before `client`: what comes then is its own client. */
async function start(name: string, { args, client, ready, env }: Program): Promise<Server> {
  const file = join(examples, `${name}.ts`);
  const text = readFileSync(file, 'utf8');
  const at = client === undefined ? text.length : text.indexOf(client);
  expect(at, `${name}.ts holds ${client}`).toBeGreaterThan(0);
  const contents = client === undefined ? text : `${text.slice(0, at)}${ready ?? "console.log('listens');"}\n`;
  const { code } = await bundle(`../../examples/${name}.ts`, {
    ...{ platform: 'node', external: ['ws'], entryPoints: [] },
    stdin: { contents, resolveDir: dirname(file), loader: 'ts' },
  });
  const program = join(folder, 'dist', 'example', `${name.replaceAll('/', '-')}.mjs`);
  mkdirSync(dirname(program), { recursive: true });
  writeFileSync(program, code);
  const child = spawn(process.execPath, [program, ...args()], {
    env: { ...process.env, ...env?.() },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  let said = '';
  child.stderr.on('data', (piece: Buffer) => (said += piece.toString()));
  const ended = once(child, 'exit').then(([status]) => Promise.reject(new Error(`${name}: ended, ${status}: ${said}`)));
  const line = await Promise.race([once(createInterface(child.stdout), 'line'), ended]);
  return { line: String(line[0]), child, said: () => said };
}

interface Example extends Program {
  readonly dial: (line: string) => Promise<Session>;
  readonly connect: (line: string) => Socket;
  /** Talks with the server as a good client does, and answers with what came of it. */
  readonly use: (session: Session) => Promise<unknown>;
  readonly result: unknown;
}

const portOf = (line: string): number => Number(/port: (\d+)/.exec(line)?.[1]);
const overUnix = (file: string): Pick<Example, 'args' | 'dial' | 'connect'> => ({
  args: () => [join(folder, file)],
  dial: () => dialUnix({ path: join(folder, file) }),
  connect: () => connect(join(folder, file)),
});
const overTcp: Pick<Example, 'dial' | 'connect'> = {
  dial: (line) => dialTcp({ host: '127.0.0.1', port: portOf(line) }),
  connect: (line) => connect(portOf(line), '127.0.0.1'),
};

async function count(session: Session): Promise<unknown> {
  const answers = await session.open().send(1, { returns: true });
  const answer = await answers.receive();
  await answer.ret?.send('seen');
  answer.ret?.close();
  return [answer.value, (await answers.receive()).done];
}

const servers: Readonly<Record<string, Example>> = {
  'channels/rpc': {
    ...overUnix('s'),
    client: 'const session = await dial',
    use: async (session) => (await (await session.open().send('sun', { returns: true })).receive()).value,
    result: 'hello, sun',
  },
  'channels/addresses': {
    ...overUnix('s'),
    env: () => ({ GREET_URL: `unix:${join(folder, 's')}` }),
    client: '// `listener.url` has',
    use: async (session) => (await (await session.open().send('sun', { returns: true })).receive()).value,
    result: expect.stringContaining('hello, sun'),
  },
  'channels/web': {
    ...overTcp,
    args: () => [],
    client: '// A program says',
    ready: "console.log('port:', port);",
    dial: (line) =>
      dialWebSocket({
        url: `ws://127.0.0.1:${portOf(line)}/channels`,
        headers: { authorization: 'Bearer s3cret' },
      }),
    use: async (session) => (await (await session.open().send('who?', { returns: true })).receive()).value,
    result: 'hello, ann',
  },
  'channels/events': {
    ...overUnix('s'),
    client: 'const session = await dial',
    async use(session) {
      const heard: unknown[] = [];
      const { receiver } = await session.accept();
      for await (const event of receiver) heard.push(event);
      return heard;
    },
    result: ['server 1', 'server 2', 'server 3'],
  },
  'channels/workers': {
    ...overUnix('s'),
    client: '/** A worker dials',
    use: async (session) => session.open().send({ name: 'dan' }, { returns: true, acknowledged: true }),
    result: expect.anything(),
  },
  'channels/gateway': {
    ...overUnix('session'),
    args: () => [folder],
    client: '// On this machine',
    async use(session) {
      const { reader, writer } = await dialVia(session.open(), { path: join(folder, 'database') });
      await writer.write(Buffer.from('moon'));
      return Buffer.from((await reader.read()) ?? []).toString();
    },
    result: '384,400 km\n',
  },
  'channels/descriptors': {
    ...overUnix('s'),
    client: '// The front accepts',
    use: (session) => handOver(session.open()),
    result: expect.stringContaining('hello, by '),
  },
  'channels/browser/worker': { ...overTcp, args: () => ['0'], use: count, result: [1, true] },
  'channels/browser/server': {
    ...overTcp,
    args: () => [],
    dial: (line) => dialWebSocket({ url: `ws://127.0.0.1:${portOf(line)}/` }),
    use: count,
    result: [1, true],
  },
  'remote-exec/server': {
    ...overUnix('s'),
    args: () => [`unix:${join(folder, 's')}`],
    async use(session) {
      const [stdin, stdout, stderr] = [bytePipe(), bytePipe(), bytePipe()];
      stdin.writer.close();
      const ends = { stdin: stdin.reader, stdout: stdout.writer, stderr: stderr.writer };
      const status = pipe(1);
      await session.open().send({ command: 'true', args: [], ...ends, status: status.sender });
      return (await status.receiver.receive()).value;
    },
    result: 0,
  },
};

for (const [name, example] of Object.entries(servers)) {
  test(`${name} serves on, however its clients end, and is silent after a goodbye`, async () => {
    const { dial, connect: join, use, result } = example;
    const more = name === 'channels/browser/server' ? await behind() : example.args();
    const server = await start(name, { ...example, args: () => more });
    const served = async (): Promise<void> => {
      const session = await dial(server.line);
      expect(await use(session)).toStrictEqual(result);
      await session.close();
    };

    await (await dial(server.line)).close();
    await served();

    const leaving = await dial(server.line);
    leaving.open();
    await leaving.close();
    await served();
    expect(server.said()).toBe('');

    for (const opens of [false, true]) {
      const lost = await dial(server.line);
      if (opens) await lost.open().send(0, { returns: true, acknowledged: name !== 'channels/browser/server' });
      lost.abort();
      await served();
    }

    for (const junk of ['GET / HTTP/1.1\r\n\r\n', '\0'.repeat(70_000), '']) {
      const stranger = join(server.line);
      stranger.on('error', () => undefined);
      stranger.end(junk);
      stranger.resume();
      // It may be reset, which `once` would take for a failure.
      await new Promise((resolve) => stranger.once('close', resolve));
      await served();
    }
    expect(server.child.exitCode).toBeNull();
  });
}

/** What the web server needs: a page, a worker behind it, a port. */
async function behind(): Promise<readonly string[]> {
  const worker = await start('channels/browser/worker', { args: () => ['0'] });
  writeFileSync(join(folder, 'page.js'), '');
  return [join(folder, 'page.js'), String(portOf(worker.line)), '0'];
}

/** What the client of a connection hears that goes to the worker; it may break off before the worker has it. */
async function handOver(connections: Sender, breaksOff = false): Promise<string> {
  const front = createServer({ pauseOnConnect: true, allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(front, 'listening');
  const client = connect((front.address() as AddressInfo).port, '127.0.0.1');
  const [socket] = (await once(front, 'connection')) as [Socket];
  front.close();
  if (breaksOff) await once(client.resetAndDestroy(), 'close');
  await connections.send({ connection: descriptorOf(socket) });
  let text = '';
  if (!breaksOff) for await (const piece of client) text += String(piece);
  return text;
}

test.skipIf(!canPass())('a connection that broke off on its way to the worker does the next no harm', async () => {
  const example = servers['channels/descriptors'] as Example;
  const { dial, result } = example;
  const server = await start('channels/descriptors', example);
  const session = await dial(server.line);
  const connections = session.open();
  await handOver(connections, true);
  expect(await handOver(connections)).toStrictEqual(result);
  await session.close();
});
