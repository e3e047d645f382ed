import { seededRandom } from '@circuit/base';
import type { Session } from '@circuit/channel';
import { channelConformance, type Connect } from '@circuit/channel/conformance';
import { dialTcp, listenTcp } from '@circuit/channel/tcp';
import { expect, test } from 'vitest';
import { cutProxy } from '../support/cut-proxy.js';
import { checkNothingOpen } from '../support/nothing-open.js';
import { portOf } from '../support/transports.js';

checkNothingOpen();

/** Every connection of the suite runs through a proxy that cuts it at moments of this seed. */
const seed = Number(process.env.CIRCUIT_SEED ?? 1);
const random = seededRandom(seed);
/** From one cut to the next; the bound keeps a busy machine from cutting all the time. */
const pauseMs = (): number => 2 + random.next() * random.next() * 60;
const mostCuts = 200;

/** Long enough for a busy machine, short enough for a row whose abort got lost with its connection. */
const resume = { timeMs: 15_000 };

const connectThroughCuts: Connect = async ({ a, b } = {}) => {
  let arrived: (session: Session) => void = () => undefined;
  const accepted = new Promise<Session>((resolve) => {
    arrived = resolve;
  });
  const quiet = { keepAliveMs: 0 };
  const listener = await listenTcp({ host: '127.0.0.1', port: 0, resume, session: { ...quiet, ...b } }, (session) =>
    arrived(session),
  );
  const proxy = await cutProxy(portOf(listener));
  const dialled = await dialTcp({ host: '127.0.0.1', port: proxy.port, resume, session: { ...quiet, ...a } });
  const taken = await accepted;
  let cuts = 0;
  let timer = setTimeout(cutAgain, pauseMs());
  function cutAgain(): void {
    proxy.cut();
    if (++cuts < mostCuts) timer = setTimeout(cutAgain, pauseMs());
  }
  return {
    a: dialled,
    b: taken,
    async close() {
      await Promise.all([dialled.close(), taken.close()]);
      clearTimeout(timer);
      await proxy.close();
      await listener.close();
    },
  };
};

channelConformance({ transport: `tcp, resuming, cut with seed ${seed}`, test, expect, connect: connectThroughCuts });
