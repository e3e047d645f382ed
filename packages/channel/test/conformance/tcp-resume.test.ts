import { type Random, seededRandom } from '@circuit/base';
import { channelConformance, type Connect } from '@circuit/channel/conformance';
import { dialTcp, listenTcp } from '@circuit/channel/tcp';
import { expect, test } from 'vitest';
import { CutProxy } from '../support/cut-proxy.js';
import { checkNothingOpen } from '../support/nothing-open.js';
import { over, portOf } from '../support/transports.js';

checkNothingOpen();

/** Every connection of the suite runs through a proxy that cuts it behind so many bytes as this seed says, at any byte of any frame. */
const seed = Number(process.env.CIRCUIT_SEED ?? 1);
/** The bound keeps the rows that move much from being cut ten thousand times. */
const mostCuts = 200;
let pairs = 0;
let cuts = 0;

/** From 32 bytes, which may cut the handshake of the next connection, to 512 KiB, each order of size as often as the other. */
function cutSizes(random: Random): () => number {
  let left = mostCuts;
  return () => (left-- > 0 ? Math.floor(32 * 2 ** (random.next() * 14)) : Infinity);
}

/** Long enough for a busy machine, short enough for a row whose abort got lost with its connection; no pauses between attempts. */
const resume = { timeMs: 15_000, random: { next: () => 0 } };

const connectThroughCuts: Connect = async (options) => {
  const host = '127.0.0.1';
  // Where it leads is known when the listener is there.
  const proxy = await CutProxy.before(0);
  const pair = await over(async (session, onSession) => {
    const listener = await listenTcp({ host, port: 0, resume, session }, onSession);
    proxy.target = portOf(listener);
    return {
      listener,
      dial: (own) => dialTcp({ host, port: proxy.port, resume, session: own }),
      async release() {
        cuts += proxy.cuts;
        await proxy.close();
      },
    };
  }, options);
  proxy.cutEvery(cutSizes(seededRandom(seed + pairs++)));
  return pair;
};

channelConformance({ transport: `tcp, resuming, cut with seed ${seed}`, test, expect, connect: connectThroughCuts });

test('what went before was cut all along', () => {
  console.log(`${cuts} cuts in ${pairs} pairs of sessions`);
  expect(cuts).toBeGreaterThan(1000);
});
