import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { encodeFrame, FrameDecoder } from '../../src/protocol/frames.js';
import { useKeepers } from '../fixtures/keepers.js';
import { readAll, startOk } from '../fixtures/read-all.js';

const keepers = useKeepers();

async function dial(): Promise<Socket> {
  const socket = connect(join(keepers.folder, 'keepers/1/socket'));
  await once(socket, 'connect');
  return socket;
}

/** Sends bytes and collects what comes until the keeper ends the connection, or answers `answers` times. */
async function say(bytes: Uint8Array, answers = Infinity): Promise<unknown[]> {
  const socket = await dial();
  const decoder = new FrameDecoder();
  const values: unknown[] = [];
  const over = new Promise<void>((resolve) => {
    socket.on('data', (data) => {
      for (const frame of decoder.receive(data)) if (frame.ok) values.push(frame.value);
      if (values.length >= answers) resolve();
    });
    socket.on('close', () => resolve());
    socket.on('error', () => resolve());
  });
  socket.write(bytes);
  await over;
  socket.destroy();
  return values;
}

test('hostile bytes end their own connection with a reason, and nobody else notices', async () => {
  const set = await keepers.open();
  const id = await startOk(set, keepers.spec('sh', ['-c', 'read x; echo fine']));
  for (const bytes of [
    Buffer.from('GET / HTTP/1.1\r\n\r\n'),
    Buffer.from([0xff, 0xff, 0xff, 0xff]),
    Buffer.from([0, 0, 0, 0]),
    Buffer.from('\0\0\0\x03nul'),
    encodeFrame(null)!,
    encodeFrame({ verb: 'watch' })!,
    encodeFrame([1])!,
  ]) {
    expect(await say(bytes)).toMatchObject([{ id: 0, error: { code: 'protocol' } }]);
  }
  await set.closeStdin(id);
  expect(await readAll(set, id)).toBe('fine\n');
});

test('a wrong request is refused and the connection goes on', async () => {
  const set = await keepers.open();
  await startOk(set, keepers.spec('sleep', ['1000'], { id: 'p' }));
  const requests = [
    { id: 1, verb: 'list' },
    { id: 2, verb: 'hello', version: 99 },
    { id: 3, verb: 'hello', version: 1 },
    { id: 4, verb: 'dance', process: 'p' },
    { id: 5, verb: 'resize', process: 'p', columns: 80, rows: 24 },
    { id: 6, verb: 'signal', process: 'q', signal: 'SIGTERM', group: false },
    { id: 7, verb: 'shutdown', kill: false },
    { id: 8, verb: 'output', process: 'p', stream: 'stdout' },
  ];
  const answers = await say(Buffer.concat(requests.map((request) => encodeFrame(request)!)), requests.length);
  const byId = new Map(answers.map((answer) => [(answer as { id: number }).id, answer]));
  const codes = requests.map(({ id }) => (byId.get(id) as { error?: { code: string } }).error?.code);
  expect(codes).toEqual([
    'protocol',
    'unsupported',
    undefined,
    'protocol',
    'unsupported',
    'not-found',
    'conflict',
    undefined,
  ]);
});

test('requests cut at every byte, and connections cut there, do no harm', async () => {
  const set = await keepers.open();
  await startOk(set, keepers.spec('sleep', ['1000'], { id: 'p' }));
  const bytes = Buffer.concat([
    encodeFrame({ id: 1, verb: 'hello', version: 1 })!,
    encodeFrame({ id: 2, verb: 'output', process: 'p', stream: 'stdout', after: 0 })!,
    encodeFrame({ id: 3, verb: 'list' })!,
  ]);
  for (let cut = 0; cut <= bytes.length; cut += 1) {
    const socket = await dial();
    socket.setNoDelay(true);
    socket.write(bytes.subarray(0, cut));
    if (cut % 2 === 0) {
      socket.destroy();
      continue;
    }
    socket.end(bytes.subarray(cut));
    await once(socket.resume(), 'close');
  }
  expect(set.get('p')?.phase).toBe('running');
  await set.signal('p', 'SIGKILL');
  await set.wait('p');
});
