import type { ByteReader } from '@circuit/channel';
import { collect, readAll, serve, take } from '@circuit/channel/conformance';
import { listenWebSocket } from '@circuit/channel/websocket-listener';
import { requires } from '@circuit/testkit';
import { expect, test } from 'vitest';
import { arrivalsPerTest } from '../support/arrivals.js';
import { openPage } from '../support/chromium.js';
import { CutProxy } from '../support/cut-proxy.js';
import { scopePerTest } from '../support/scope-per-test.js';
import { portOf } from '../support/transports.js';

const skip = !requires('chromium');
const scope = scopePerTest();
const arrivals = arrivalsPerTest(scope);

test.skipIf(skip)('a session of a page survives its connections: nothing is lost, nothing comes twice', async () => {
  const listener = scope.use(
    await listenWebSocket({ host: '127.0.0.1', port: 0, origins: 'any', resume: true }, arrivals.take),
  );
  const proxy = scope.use(await CutProxy.before(portOf(listener)));
  const page = scope.use(await openPage(['resuming']));
  await page.call('dial', String(proxy.port));
  const session = await arrivals.get();
  // Behind more bytes than a connection needs to go on, so that each brings something.
  proxy.cutEvery(() => 40_000);
  const [count, size] = [1000, 1_000_000];
  const working = page.call('work', String(count), String(size));
  const back = session.open<number>();
  const sending = (async () => {
    for (let i = 0; i < count; i++) await back.send(i);
    back.close();
  })();
  const [numbers, requests, streams] = [await session.accept(), await session.accept(), await session.accept()];
  const serving = serve(requests.receiver, (value) => value);
  const reading = readAll((await take(streams.receiver)).value as ByteReader);
  const counted = [...Array(count).keys()];
  expect(await collect(numbers.receiver)).toStrictEqual(counted);
  const bytes = await reading;
  expect(bytes.length).toBe(size);
  expect(bytes.findIndex((byte, at) => byte !== (Math.floor(at / 10_000) & 255))).toBe(-1);
  const { connections, ...outcome } = (await working) as { connections: number };
  expect(outcome).toStrictEqual({ received: counted, answers: counted, ended: undefined });
  expect(connections).toBeGreaterThan(10);
  expect(arrivals.sessions.length).toBe(1);
  await Promise.all([sending, serving]);
  expect(await session.closed).toBe(undefined);
});
