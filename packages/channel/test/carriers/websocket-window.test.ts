import { ChannelSession, type Session, type SessionOptions } from '@circuit/channel';
import { dialWebSocket } from '@circuit/channel/websocket';
import { listenWebSocket } from '@circuit/channel/websocket-listener';
import { expect, test } from 'vitest';
import { Arrivals } from '../support/arrivals.js';
import { scopePerTest } from '../support/scope-per-test.js';
import { portOf } from '../support/transports.js';

const scope = scopePerTest();

/** What each side has announced for a stream, with these options on both. */
async function windows(session?: SessionOptions): Promise<(number | undefined)[]> {
  const arrivals = new Arrivals();
  const options = session === undefined ? {} : { session };
  const listener = await listenWebSocket({ host: '127.0.0.1', port: 0, ...options }, arrivals.take);
  scope.defer(() => listener.close());
  const near = await dialWebSocket({ url: `ws://127.0.0.1:${portOf(listener)}`, ...options });
  scope.defer(() => near.close());
  const both: readonly Session[] = [near, await arrivals.get()];
  await Promise.all(both.map((one) => one.ready));
  return both.map((one) => (one instanceof ChannelSession ? one.peerLimits?.streamWindowBytes : undefined));
}

test('a stream over a WebSocket has half the window, unless its options say another', async () => {
  expect(await windows()).toStrictEqual([524_288, 524_288]);
  expect(await windows({ keepAliveMs: 0, limits: { maxChannels: 10 } })).toStrictEqual([524_288, 524_288]);
  expect(await windows({ limits: { streamWindowBytes: 131_072 } })).toStrictEqual([131_072, 131_072]);
});
