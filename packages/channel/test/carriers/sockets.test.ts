import { mkdtemp, rm, stat } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Session } from '@circuit/channel';
import { collect, openChannel } from '@circuit/channel/conformance';
import { dialTcp, listenTcp } from '@circuit/channel/tcp';
import { dialUnix, listenUnix } from '@circuit/channel/unix';
import { ManualClock, until } from '@circuit/testkit';
import { expect, test } from 'vitest';
import { arrivalsPerTest } from '../support/arrivals.js';
import { scopePerTest } from '../support/scope-per-test.js';
import { portOf } from '../support/transports.js';

const host = '127.0.0.1';
const scope = scopePerTest();
const { sessions, take } = arrivalsPerTest(scope);

test('a port in use is a conflict', async () => {
  const first = scope.use(await listenTcp({ host, port: 0 }, take));
  await expect(listenTcp({ host, port: portOf(first) }, take)).rejects.toMatchObject({
    code: 'conflict',
    detail: 'EADDRINUSE',
    message: `listen tcp ${host}:${portOf(first)}: address already in use`,
  });
});

test('nobody there is unreachable, for TCP and for Unix sockets', async () => {
  const listener = await listenTcp({ host, port: 0 }, take);
  const port = portOf(listener);
  await listener.close();
  await until('the port to be free', () => !process.getActiveResourcesInfo().includes('TCPServerWrap'));
  await expect(dialTcp({ host, port })).rejects.toMatchObject({
    code: 'unreachable',
    message: `dial tcp ${host}:${port}: connection refused`,
    retryable: true,
  });
  await expect(dialUnix({ path: '/nonexistent/socket' })).rejects.toMatchObject({
    code: 'unreachable',
    message: 'dial unix /nonexistent/socket: no such socket',
  });
});

test('a dial that is given up leaves nothing open', async () => {
  const listener = scope.use(await listenTcp({ host, port: 0 }, take));
  for (const early of [true, false]) {
    const stop = new AbortController();
    if (early) stop.abort();
    const dialling = dialTcp({ host, port: portOf(listener), signal: stop.signal });
    stop.abort(new Error('changed my mind'));
    await expect(dialling).rejects.toMatchObject({ code: 'cancelled' });
  }
});

test('a Unix socket path over 100 bytes is refused by both, and a file that exists is a conflict', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'channel-'));
  scope.defer(() => rm(folder, { recursive: true }));
  const path = join(folder, 'x'.repeat(101 - folder.length));
  expect(path.length).toBe(102);
  await expect(listenUnix({ path }, take)).rejects.toMatchObject({ code: 'invalid' });
  await expect(dialUnix({ path })).rejects.toMatchObject({
    code: 'invalid',
    message: expect.stringContaining('102 bytes') as string,
  });
  for (const none of ['', 5, undefined, 'zero\0inside']) {
    await expect(listenUnix({ path: none as string }, take)).rejects.toMatchObject({ code: 'invalid' });
    await expect(dialUnix({ path: none as string })).rejects.toMatchObject({ code: 'invalid' });
  }
  const longest = path.slice(0, 100);
  const listener = await listenUnix({ path: longest }, take);
  await expect(listenUnix({ path: longest }, take)).rejects.toMatchObject({ code: 'conflict' });
  const session = await dialUnix({ path: longest });
  await session.close();
  await listener.close();
  await until('the file to be gone', () =>
    stat(longest).then(
      () => false,
      () => true,
    ),
  );
});

test('a listener that closes lets its sessions go on', async () => {
  const listener = await listenTcp({ host, port: 0, session: { keepAliveMs: 0 } }, take);
  const session = await dialTcp({ host, port: portOf(listener), session: { keepAliveMs: 0 } });
  await until('the session to be accepted', () => sessions.length === 1);
  await listener.close();
  await listener.close();
  const { sender, receiver } = await openChannel(session, sessions[0] as Session);
  await sender.send(1);
  sender.close();
  expect(await collect(receiver)).toStrictEqual([1]);
  await session.close();
});

test('a peer that never says anything is given up after three intervals of keep-alive', async () => {
  const clock = new ManualClock();
  const silent = createServer((socket) => void socket.resume());
  const sockets: Socket[] = [];
  silent.on('connection', (socket) => void sockets.push(socket));
  await new Promise<void>((resolve) => void silent.listen(0, host, resolve));
  scope.defer(() => new Promise<void>((resolve) => void silent.close(() => resolve())));
  const port = (silent.address() as { port: number }).port;
  const session = await dialTcp({ host, port, session: { clock, keepAliveMs: 5000 } });
  const sending = session.open().send('anybody?');
  sending.catch(() => undefined);
  await clock.advance(14_999);
  expect(session.stats.bytesOut).toBeGreaterThan(0);
  await clock.advance(1);
  expect(await session.closed).toMatchObject({
    code: 'peer-gone',
    message: expect.stringContaining('no sign of life for 15000 ms') as string,
  });
  await expect(sending).rejects.toMatchObject({ code: 'peer-gone' });
  for (const socket of sockets) socket.destroy();
  expect(clock.pending).toBe(0);
});

test('a peer that answers is kept for ever', async () => {
  const clock = new ManualClock();
  const listener = scope.use(await listenTcp({ host, port: 0, session: { keepAliveMs: 0 } }, take));
  const session = await dialTcp({ host, port: portOf(listener), session: { clock, keepAliveMs: 5000 } });
  for (let i = 0; i < 20; i++) {
    const before = session.stats.bytesIn;
    await clock.advance(5000);
    await until('the answer', () => session.stats.bytesIn > before);
  }
  await session.close();
  expect(await session.closed).toBe(undefined);
  expect(clock.pending).toBe(0);
});

test('a peer that says goodbye and then keeps its side open is let go after the grace time', async () => {
  const clock = new ManualClock();
  const listener = scope.use(
    await listenTcp({ host, port: 0, session: { clock, keepAliveMs: 0, graceMs: 1000 } }, take),
  );
  const socket = connect({ host, port: portOf(listener), allowHalfOpen: true });
  scope.defer(() => void socket.destroy());
  const goaway = Buffer.from('0e00000a0006636c6f7365640000', 'hex');
  socket.on('error', () => undefined);
  const greeting = new Promise<Buffer>((resolve) => socket.once('data', resolve));
  socket.write(await greeting);
  socket.write(goaway);
  await until('the session to be over', () => sessions[0]?.stats.bytesIn !== undefined && clock.pending === 1);
  await clock.advance(1000);
  await until('the connection to be dropped', () => {
    socket.write('x');
    return socket.destroyed;
  });
});
