import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ByteReader, ByteWriter, Receiver, Sender } from '@circuit/channel';
import { take } from '@circuit/channel/conformance';
import { listen } from '@circuit/channel/dial';
import { expect, test } from 'vitest';
import { arrivalsPerTest } from '../support/arrivals.js';
import { startProcess } from '../support/process.js';
import { scopePerTest } from '../support/scope-per-test.js';

const scope = scopePerTest();
const arrivals = arrivalsPerTest(scope);

/** Every carrier between processes, and where it is listened. */
const carriers: Readonly<Record<string, (folder: string) => string>> = {
  tcp: () => 'tcp://127.0.0.1:0',
  tls: () => 'tls://127.0.0.1:0',
  unix: (folder) => `unix:${join(folder, 's')}`,
  websocket: () => 'ws://127.0.0.1:0/',
  http2: () => 'http://127.0.0.1:0/',
};

test.each(
  Object.entries(carriers),
)('%s: a peer that is killed fails every open channel and stream with peer-gone, none with a clean end', async (carrier, address) => {
  const folder = await mkdtemp(join(tmpdir(), 'channel-'));
  scope.defer(() => rm(folder, { recursive: true }));
  const key = randomBytes(32);
  // Without keep-alive only the carrier itself can find out.
  const options = { session: { keepAliveMs: 0 }, tls: { pskFor: () => new Uint8Array(key) } };
  const listener = scope.use(await listen(address(folder), options, arrivals.take));
  const peer = await startProcess('doomed-peer.ts', [listener.url, key.toString('hex')]);
  scope.defer(() => peer.kill());
  const session = await arrivals.get();
  expect(session.peer.carrier).toBe(carrier);
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
  const outcomes = Promise.allSettled([
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
  ]);
  await peer.kill();
  const killed = performance.now();
  for (const outcome of await outcomes) {
    expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'peer-gone' } });
  }
  // A second is what is promised; usually it is heard within 3 ms.
  expect(performance.now() - killed).toBeLessThan(1000);
  expect(await session.closed).toMatchObject({ code: 'peer-gone' });
  expect(session.stats).toMatchObject({ channels: 0, unsentBytes: 0 });
});
