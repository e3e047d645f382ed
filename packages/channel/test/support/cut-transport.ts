import { type Random, seededRandom } from '@circuit/base';
import type { Connect } from '@circuit/channel/conformance';
import { dialTcp, listenTcp } from '@circuit/channel/tcp';
import { CutProxy } from './cut-proxy.js';
import { over, portOf } from './transports.js';

/** The bound keeps what moves much from being cut ten thousand times. */
const mostCuts = 200;

/** From 32 bytes, which may cut the handshake of the next connection, to 512 KiB, each order of size as often as the other. */
function cutSizes(random: Random): () => number {
  let left = mostCuts;
  return () => (left-- > 0 ? Math.floor(32 * 2 ** (random.next() * 14)) : Infinity);
}

/** Long enough for a busy machine, short enough for a row whose abort got lost with its connection; no pauses between attempts. */
const resume = { timeMs: 15_000, random: { next: () => 0 } };

/** TCP with resume through a proxy that cuts each connection behind so many bytes as a seed says, at any byte of any frame. */
export class CutTransport {
  pairs = 0;
  /** Of the pairs that are closed. */
  cuts = 0;
  readonly #seed: number;

  constructor(seed: number) {
    this.#seed = seed;
  }

  readonly connect: Connect = async (options) => {
    const host = '127.0.0.1';
    // Where it leads is known when the listener is there.
    const proxy = await CutProxy.before(0);
    const pair = await over(async (session, onSession) => {
      const listener = await listenTcp({ host, port: 0, resume, session }, onSession);
      proxy.target = portOf(listener);
      return {
        listener,
        dial: (own) => dialTcp({ host, port: proxy.port, resume, session: own }),
        release: async () => {
          this.cuts += proxy.cuts;
          await proxy.close();
        },
      };
    }, options);
    proxy.cutEvery(cutSizes(seededRandom(this.#seed + this.pairs++)));
    return pair;
  };
}
