import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { deferred } from '@circuit/base';
import type { ByteReader, ByteWriter, Receiver, Sender, Session } from '@circuit/channel';
import { take } from '@circuit/channel/conformance';
import { listenTcp } from '@circuit/channel/tcp';
import { build } from 'esbuild';
import { expect, test } from 'vitest';
import { portOf } from '../support/transports.js';

test('a peer that is killed fails every open channel and stream with peer-gone, none with a clean end', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'channel-'));
  const script = join(folder, 'peer.mjs');
  await build({
    entryPoints: [fileURLToPath(new URL('../fixtures/doomed-peer.ts', import.meta.url))],
    outfile: script,
    bundle: true,
    platform: 'node',
    format: 'esm',
    conditions: ['@circuit/source'],
    logLevel: 'error',
  });
  const arrived = deferred<Session>();
  const listener = await listenTcp({ host: '127.0.0.1', port: 0 }, (session) => arrived.resolve(session));
  const child = spawn(process.execPath, [script, String(portOf(listener))], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  const session = await arrived.promise;
  const { receiver } = await session.accept();
  const { input, output, back, from } = (await take(receiver)).value as {
    input: ByteReader;
    output: ByteWriter;
    back: Sender;
    from: Receiver;
  };
  expect((await input.read())?.length).toBe(10);
  const { ret } = await take(receiver);
  const own = session.open();
  const waiting = [
    receiver.receive(),
    input.read(),
    from.receive(),
    session.accept(),
    back.closed,
    ret.closed,
    own.closed,
    output.closed,
    output.write(new Uint8Array(50_000_000)),
    own.send(new Uint8Array(10_000_000)),
  ];
  const outcomes = Promise.allSettled(waiting);
  if (child.pid === undefined) throw new Error('the peer did not start');
  process.kill(child.pid, 'SIGKILL');
  for (const outcome of await outcomes) {
    expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'peer-gone' } });
  }
  expect(await session.closed).toMatchObject({ code: 'peer-gone' });
  expect(session.stats).toMatchObject({ channels: 0, unsentBytes: 0 });
  await exited;
  await listener.close();
  await rm(folder, { recursive: true });
});
