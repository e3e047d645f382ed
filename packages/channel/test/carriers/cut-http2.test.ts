import { createSecureServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { Session } from '@circuit/channel';
import { dialHttp2, listenHttp2, mountHttp2 } from '@circuit/channel/http2';
import { until } from '@circuit/testkit';
import { expect, test } from 'vitest';
import { arrivalsPerTest } from '../support/arrivals.js';
import { type Issued, makeAuthority } from '../support/certificates.js';
import { CutProxy } from '../support/cut-proxy.js';
import { scopePerTest } from '../support/scope-per-test.js';

const host = '127.0.0.1';
// Without keep-alive only the carrier itself can find out.
const session = { keepAliveMs: 0 };
const scope = scopePerTest();
const arrivals = arrivalsPerTest(scope);

/** Ways to listen over TLS; they answer with the port. */
const ways: Readonly<Record<string, (tls: Issued) => Promise<number>>> = {
  'a listener': async (tls) => {
    const listener = scope.use(await listenHttp2({ host, port: 0, tls, session }, arrivals.take));
    return listener.address.port;
  },
  'a path of a server': async (tls) => {
    const server = createSecureServer(tls);
    mountHttp2(server, { path: '/', session }, arrivals.take);
    await new Promise<void>((resolve) => void server.listen(0, host, resolve));
    scope.defer(() => void server.close());
    return (server.address() as AddressInfo).port;
  },
};

/** Sends until the session ends: much and little, so that both sides read, write and give credit at any moment. */
async function chatter(session: Session, bytes: number): Promise<void> {
  const sender = session.open();
  try {
    for (;;) {
      await sender.send(new Uint8Array(bytes));
      await new Promise((resolve) => setImmediate(resolve));
    }
  } catch {
    // The session has ended.
  }
}

async function drain(session: Session): Promise<number> {
  let bytes = 0;
  try {
    const { receiver } = await session.accept();
    for await (const message of receiver) bytes += (message as Uint8Array).length;
  } catch {
    // The session has ended.
  }
  return bytes;
}

test.each(
  Object.entries(ways),
)('%s over TLS: a connection that is reset under traffic fails both sides within a second', async (_way, listen) => {
  const authority = await makeAuthority();
  scope.defer(() => authority.remove());
  const port = await listen(await authority.issue('server'));
  // What breaks is a matter of the moment: one round finds a side that hears nothing three times out of four.
  for (let round = 1; round <= 6; round++) {
    const proxy = scope.use(await CutProxy.before(port));
    const dialled = await dialHttp2({ url: `https://${host}:${proxy.port}/`, tls: { ca: authority.cert }, session });
    const accepted = await arrivals.get(round);
    const sides = [dialled, accepted];
    const busy = sides.flatMap((side) => [chatter(side, 60_000), chatter(side, 60), drain(side), drain(side)]);
    await until('traffic both ways', () => sides.every(({ stats }) => stats.bytesIn > 1_000_000));
    proxy.cut();
    const cut = performance.now();
    for (const { closed } of sides) expect(await closed).toMatchObject({ code: 'peer-gone' });
    expect(performance.now() - cut).toBeLessThan(1000);
    await Promise.all(busy);
  }
});
