import { mkdtemp, rm } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Session } from '@circuit/channel';
import { keyAuth } from '@circuit/channel/auth';
import { ask, openChannel, serve } from '@circuit/channel/conformance';
import { dialTcp, listenTcp } from '@circuit/channel/tcp';
import { dialUnix, listenUnix } from '@circuit/channel/unix';
import { until } from '@circuit/testkit';
import { expect, test } from 'vitest';
import { Arrivals } from '../support/arrivals.js';
import { cutProxy } from '../support/cut-proxy.js';
import { httpRoads } from '../support/http-roads.js';
import { checkNothingOpen } from '../support/nothing-open.js';
import { portOf } from '../support/transports.js';

checkNothingOpen();

/** Requests in both directions go on while `cut` breaks the connection again and again. */
async function survive(a: Session, b: Session, cut: () => void, resumed: () => number): Promise<void> {
  const forth = await openChannel(a, b);
  const back = await openChannel(b, a);
  const serving = [serve(forth.receiver, (value) => value), serve(back.receiver, (value) => value)];
  for (let round = 1; round <= 5; round++) {
    const asked = Array.from({ length: 50 }, (_, i) => i);
    const answers = Promise.all(asked.flatMap((i) => [ask(forth.sender, i), ask(back.sender, i)]));
    cut();
    expect(await answers).toStrictEqual(asked.flatMap((i) => [i, i]));
    await until('the connection to be replaced', () => resumed() >= round);
  }
  for (const { sender } of [forth, back]) sender.close();
  await Promise.all(serving);
  await Promise.all([forth.sender.closed, back.sender.closed]);
}

for (const road of httpRoads) {
  const { name } = road;
  test(`${name}: a session survives its connections, each of which is authenticated anew`, async () => {
    const arrivals = new Arrivals();
    const asked: string[] = [];
    let resumed = 0;
    const listener = await road.listen(
      {
        host: '127.0.0.1',
        port: 0,
        resume: true,
        authenticate({ headers }) {
          asked.push(String(headers.authorization));
          return { identity: { user: headers.authorization } };
        },
      },
      arrivals.take,
    );
    const proxy = await cutProxy(portOf(listener));
    const a = await road.dial({
      url: `${name === 'http2' ? 'http' : 'ws'}://127.0.0.1:${proxy.port}/`,
      headers: { authorization: 'me' },
      resume: { onState: (state) => void (resumed += state === 'connected' ? 1 : 0) },
    });
    const b = await arrivals.get();
    await survive(
      a,
      b,
      () => proxy.cut(),
      () => resumed,
    );
    expect(asked.length).toBeGreaterThan(5);
    expect(new Set(asked)).toStrictEqual(new Set(['me']));
    expect(b.peer.identity).toStrictEqual({ user: 'me' });
    expect(arrivals.sessions.length).toBe(1);
    await a.close();
    await arrivals.close();
    await proxy.close();
    await listener.close();
  });
}

test('unix: a session survives its connections', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'channel-'));
  const [path, front] = [join(folder, 's'), join(folder, 'front')];
  const arrivals = new Arrivals();
  let resumed = 0;
  const listener = await listenUnix({ path, resume: true }, arrivals.take);
  const sockets = new Set<Socket>();
  const proxy = createServer((near) => {
    const far = connect({ path });
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
      from.pipe(to);
    }
  });
  await new Promise<void>((resolve) => void proxy.listen(front, resolve));
  const a = await dialUnix({
    path: front,
    resume: { onState: (state) => void (resumed += state === 'connected' ? 1 : 0) },
  });
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  await survive(a, await arrivals.get(), cut, () => resumed);
  await a.close();
  await arrivals.close();
  await until('the proxy to be idle', () => sockets.size === 0);
  await new Promise<void>((resolve) => void proxy.close(() => resolve()));
  await listener.close();
  await rm(folder, { recursive: true });
});

test('a key proved in band is proved once and holds for the connections that follow', async () => {
  const key = new Uint8Array(randomBytes(32));
  const arrivals = new Arrivals();
  let [resumed, asked] = [0, 0];
  const keyFor = (): Uint8Array => {
    asked++;
    return key;
  };
  const listener = await listenTcp(
    { host: '127.0.0.1', port: 0, resume: true, session: { auth: keyAuth({ keyFor }) } },
    arrivals.take,
  );
  const proxy = await cutProxy(portOf(listener));
  const a = await dialTcp({
    host: '127.0.0.1',
    port: proxy.port,
    session: { auth: keyAuth({ identity: 'me', key }) },
    resume: { onState: (state) => void (resumed += state === 'connected' ? 1 : 0) },
  });
  const b = await arrivals.get();
  await survive(
    a,
    b,
    () => proxy.cut(),
    () => resumed,
  );
  expect([asked, b.peer.identity]).toStrictEqual([1, 'me']);
  await a.close();
  await arrivals.close();
  await proxy.close();
  await listener.close();
});
