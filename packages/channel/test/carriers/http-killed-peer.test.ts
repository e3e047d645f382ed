import { Scope } from '@circuit/base';
import type { ByteReader, ByteWriter, Receiver, Sender } from '@circuit/channel';
import { take } from '@circuit/channel/conformance';
import { expect, test } from 'vitest';
import { Arrivals } from '../support/arrivals.js';
import { httpRoads } from '../support/http-roads.js';
import { startProcess } from '../support/process.js';
import { portOf } from '../support/transports.js';

test.each(httpRoads)('$name: a peer that is killed fails all that is open with peer-gone', async ({ name, listen }) => {
  const scope = new Scope();
  const arrivals = new Arrivals();
  const listener = scope.use(await listen({ host: '127.0.0.1', port: 0 }, arrivals.take));
  const peer = await startProcess('doomed-http-peer.ts', [name, `http://127.0.0.1:${portOf(listener)}/`]);
  scope.defer(() => peer.kill());
  const session = await arrivals.get();
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
  // A bound against keep-alive (15 s) having been what found it; killing is usually heard of in 3 ms.
  expect(performance.now() - killed).toBeLessThan(10_000);
  expect(await session.closed).toMatchObject({ code: 'peer-gone' });
  expect(session.stats).toMatchObject({ channels: 0, unsentBytes: 0 });
  await scope.close();
});
