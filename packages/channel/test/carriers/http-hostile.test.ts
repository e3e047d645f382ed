import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { connect, createServer, type Socket } from 'node:net';
import type { Listener } from '@circuit/channel/tcp';
import { dialHttp } from '@circuit/channel/http';
import { ManualClock, settle, until } from '@circuit/testkit';
import { describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { arrivalsPerTest } from '../support/arrivals.js';
import { httpRoads, works } from '../support/http-roads.js';
import { scopePerTest } from '../support/scope-per-test.js';
import { portOf } from '../support/transports.js';

const host = '127.0.0.1';
const session = { keepAliveMs: 0 };
const scope = scopePerTest();
const arrivals = arrivalsPerTest(scope);

/** A bare connection to a listener. */
async function plain(listener: Listener): Promise<Socket> {
  const socket = connect(portOf(listener), host);
  socket.on('error', () => undefined);
  scope.defer(() => void socket.destroy());
  await once(socket, 'connect');
  return socket;
}

/** Waits for the end of a connection, orderly or not. */
async function closed(socket: Socket): Promise<void> {
  socket.resume();
  await until('the connection to be closed', () => socket.closed);
}

describe.each(httpRoads)('$name', ({ name, dial, listen }) => {
  const start = async (more: object = {}): Promise<Listener> =>
    scope.use(await listen({ host, port: 0, session, ...more }, arrivals.take));
  const at = (listener: Listener): string => `http://${host}:${portOf(listener)}/`;

  test('half a request, a drip of bytes and silence are dropped at the deadline of the handshake', async () => {
    const clock = new ManualClock();
    const listener = await start({ session: { keepAliveMs: 0, clock }, handshakeMs: 4000 });
    const [silent, half, drip] = [await plain(listener), await plain(listener), await plain(listener)];
    half.write('GET / HTTP/1.1\r\nUpgrade: webso');
    await until('all to be accepted', () => clock.pending === 3);
    for (let at = 0; at < 3; at++) {
      drip.write('x'.repeat(at === 0 ? 0 : 1));
      await clock.advance(1000);
    }
    // What is garbage from its first byte on may be dropped sooner.
    expect([silent.closed, half.closed]).toStrictEqual([false, false]);
    await clock.advance(1000);
    await Promise.all([silent, half, drip].map(closed));
    const dialled = await dial({ url: at(listener), session });
    await works(dialled, await arrivals.get());
    // A connection with a session has no deadline.
    await clock.advance(20_000);
    await works(dialled, await arrivals.get());
    await dialled.close();
  });

  test('garbage ends its own connection only', async () => {
    const listener = await start();
    const dialled = await dial({ url: at(listener), session });
    for (let i = 0; i < 50; i++) {
      const socket = await plain(listener);
      socket.write(randomBytes(1 + ((i * 37) % 300)));
      socket.write(`GET / HTTP/1.1\r\n${'x'.repeat(i * 40)}\r\n\r\n`);
      socket.end();
      await closed(socket);
    }
    await works(dialled, await arrivals.get());
    expect(arrivals.sessions.length).toBe(1);
    await dialled.close();
  });

  test('1,000 idle connections do not keep a session out', async () => {
    const listener = await start();
    const idle: Socket[] = [];
    // A hundred at a time: what overflows the queue of the listener the system tells the dialler only when he speaks.
    while (idle.length < 1000) idle.push(...(await Promise.all(Array.from({ length: 100 }, () => plain(listener)))));
    const dialled = await dial({ url: at(listener), session });
    await works(dialled, await arrivals.get());
    await dialled.close();
    await listener.close();
    await Promise.all(idle.map(closed));
  });

  test('a dial to somebody who never answers ends at its deadline, given up or not, and leaves nothing', async () => {
    const clock = new ManualClock();
    const silent = createServer((socket) => void socket.on('error', () => undefined).resume());
    silent.listen(0, host);
    await once(silent, 'listening');
    scope.defer(() => void silent.close());
    const url = `http://${host}:${(silent.address() as { port: number }).port}/`;
    const dialling = dial({ url, deadlineMs: 3000, session: { keepAliveMs: 0, clock } });
    const outcome = expect(dialling).rejects.toMatchObject({
      code: 'timeout',
      message: `dial ${name} ${name === 'http2' ? url : url.replace('http', 'ws')}: not done within 3000 ms`,
    });
    await clock.advance(3000);
    await outcome;
    const stop = new AbortController();
    const given = dial({ url, signal: stop.signal, session: { keepAliveMs: 0, clock } });
    await settle();
    stop.abort();
    await expect(given).rejects.toMatchObject({ code: 'cancelled' });
    const stopped = AbortSignal.abort();
    await expect(dial({ url, signal: stopped, session })).rejects.toMatchObject({ code: 'cancelled' });
    expect(clock.pending).toBe(0);
  });

  test('a dial to somebody who speaks something else says so', async () => {
    const other = createServer(
      (socket) =>
        void socket
          .on('error', () => undefined)
          .resume()
          .end('SSH-2.0-OpenSSH_9.2\r\n'),
    );
    other.listen(0, host);
    await once(other, 'listening');
    scope.defer(() => void other.close());
    const url = `http://${host}:${(other.address() as { port: number }).port}/`;
    await expect(dial({ url, session })).rejects.toMatchObject({ code: 'protocol' });
    await expect(dialHttp({ url, session })).rejects.toMatchObject({ code: 'protocol' });
  });

  test('an address of another kind is invalid', async () => {
    for (const url of ['tcp://127.0.0.1:1', 'nonsense', '']) {
      await expect(dial({ url })).rejects.toMatchObject({ code: 'invalid' });
    }
  });
});

describe('websocket', () => {
  const [{ listen }] = httpRoads as [(typeof httpRoads)[0]];

  /** An open WebSocket of a peer that is not ours, what it was sent, and the session it made. */
  async function stranger() {
    const listener = scope.use(await listen({ host, port: 0, session }, arrivals.take));
    const ws = new WebSocket(`ws://${host}:${portOf(listener)}/`);
    scope.defer(() => ws.terminate());
    const heard: Buffer[] = [];
    ws.on('message', (message) => void heard.push(message as Buffer));
    const closing = once(ws, 'close');
    const before = arrivals.sessions.length;
    await once(ws, 'open');
    return { ws, heard, closing, accepted: await arrivals.get(before + 1) };
  }

  test('a text message ends the session as an error of the protocol, and the peer hears why', async () => {
    const { ws, closing, accepted } = await stranger();
    const waiting = expect(accepted.accept()).rejects.toMatchObject({ code: 'protocol' });
    ws.send('hello');
    await waiting;
    expect(await accepted.closed).toMatchObject({
      code: 'protocol',
      message: expect.stringMatching(/^websocket 127.0.0.1:\d+: a text message/) as string,
    });
    expect((await closing)[0]).toBe(1003);
  });

  test('a message over 1 MiB ends the session before it is in memory, in one frame or in many', async () => {
    for (const pieces of [1, 64]) {
      const { ws, closing, accepted } = await stranger();
      const piece = new Uint8Array(1_048_640 / pieces);
      for (let i = 1; i <= pieces; i++) ws.send(piece, { fin: i === pieces });
      expect(await accepted.closed).toMatchObject({ code: 'protocol' });
      expect((await closing)[0]).toBe(1009);
    }
  });

  test('frames may be cut anywhere: one byte a message', async () => {
    const { ws, heard, accepted } = await stranger();
    await until('the greeting', () => heard.length === 1);
    for (const byte of heard[0] ?? []) ws.send(Uint8Array.of(byte));
    accepted.open({ target: 'over there' });
    await until('the channel to be opened', () => Buffer.concat(heard).includes('over there'));
    accepted.abort();
  });

  test('bytes that are no WebSocket frame end the session', async () => {
    const { ws, accepted } = await stranger();
    (ws as unknown as { _socket: Socket })._socket.write(randomBytes(100).fill(0xff));
    expect(await accepted.closed).toMatchObject({ code: 'protocol' });
  });
});

describe('http2', () => {
  const [, { listen }] = httpRoads as [(typeof httpRoads)[0], (typeof httpRoads)[0]];

  test('a request that is no session is answered by 404, and its connection does not last', async () => {
    const clock = new ManualClock();
    const listener = scope.use(
      await listen({ host, port: 0, session: { keepAliveMs: 0, clock }, handshakeMs: 4000 }, arrivals.take),
    );
    const client = connectHttp2(`http://${host}:${portOf(listener)}`);
    client.on('error', () => undefined);
    await once(client, 'remoteSettings');
    expect(client.remoteSettings).toMatchObject({ maxConcurrentStreams: 256, initialWindowSize: 4_194_304 });
    for (const headers of [{ ':path': '/' }, { ':path': '/', ':method': 'POST' }]) {
      const stream = client.request(headers);
      stream.resume();
      const [answer] = (await once(stream, 'response')) as [Record<string, unknown>];
      expect(answer[':status']).toBe(404);
      stream.end();
      await once(stream, 'close');
    }
    const ended = once(client, 'close');
    await clock.advance(4000);
    await ended;
  });

  test('1,000 streams that are reset at once do not disturb the session of another connection', async () => {
    const listener = scope.use(await listen({ host, port: 0, session }, arrivals.take));
    const [, { dial }] = httpRoads as [(typeof httpRoads)[0], (typeof httpRoads)[0]];
    const dialled = await dial({ url: `http://${host}:${portOf(listener)}/`, session });
    const accepted = await arrivals.get();
    const client = connectHttp2(`http://${host}:${portOf(listener)}`);
    client.on('error', () => undefined);
    await once(client, 'connect');
    for (let i = 0; i < 1200; i++) {
      const stream = client.request({
        ':path': '/',
        ':method': 'POST',
        'content-type': 'application/vnd.circuit.channel',
      });
      stream.on('error', () => undefined);
      stream.close(8);
    }
    await works(dialled, accepted);
    client.destroy();
    await until('the connection to be gone', () => client.destroyed);
    await dialled.close();
  });
});
