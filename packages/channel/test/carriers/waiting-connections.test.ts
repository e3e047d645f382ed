import { once } from 'node:events';
import { type AddressInfo, connect, createServer, Socket } from 'node:net';
import { ManualClock, until } from '@circuit/testkit';
import { expect, test } from 'vitest';
import { WaitingConnections } from '../../src/carriers/socket/waiting-connections.js';
import { checkNothingOpen } from '../support/nothing-open.js';

checkNothingOpen();

test('of more connections than may wait the oldest makes room, one with a session stays, and the rest has its time', async () => {
  const clock = new ManualClock();
  const waiting = new WaitingConnections({ clock, handshakeMs: 1000 }, 3);
  const [dialled, accepted]: [Socket[], Socket[]] = [[], []];
  const server = createServer((socket) => {
    accepted.push(socket.resume());
    waiting.add(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const open = (): boolean[] => dialled.map((socket) => !socket.closed);
  for (let i = 0; i < 5; i++) {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1').resume();
    socket.on('error', () => undefined);
    dialled.push(socket);
    await until('it to be accepted', () => accepted.length === i + 1);
    if (i === 0) waiting.begin(accepted[0] as Socket)();
  }
  await until('the oldest to be dropped', () => dialled[1]?.closed ?? false);
  expect(open()).toStrictEqual([true, false, true, true, true]);
  await clock.advance(1000);
  await until('all that wait to be dropped', () => dialled.slice(1).every((socket) => socket.closed));
  expect([dialled[0]?.closed, clock.pending]).toStrictEqual([false, 0]);
  waiting.idle(accepted[0] as Socket, () => accepted[0]?.destroy());
  await clock.advance(1000);
  await until('the last to be dropped', () => dialled[0]?.closed ?? false);
  server.close();
});

test('what comes in in one turn drops one for each, those that lost their session count too, and a session begun outlives the listener', () => {
  const waiting = new WaitingConnections(undefined, 2);
  const made: Socket[] = [];
  const open = (): number[] => made.flatMap((socket, i) => (socket.destroyed ? [] : [i]));
  const come = (): Socket => {
    const socket = new Socket();
    made.push(socket);
    waiting.add(socket);
    return socket;
  };
  const first = come();
  const heard = waiting.begin(first);
  for (let i = 0; i < 4; i++) come();
  expect(open()).toStrictEqual([3, 4]);
  // Dropped long ago.
  heard();
  const former = waiting.begin(made[3] as Socket);
  former();
  come();
  expect(open()).toStrictEqual([3, 4, 5]);
  waiting.idle(made[3] as Socket, () => made[3]?.destroy());
  expect(open()).toStrictEqual([3, 5]);
  // Of the session that it had before.
  former();
  come();
  expect(open()).toStrictEqual([3, 6]);
  waiting.begin(made[6] as Socket);
  waiting.close();
  expect(open()).toStrictEqual([6]);
  come();
  expect(open()).toStrictEqual([6]);
  made[6]?.destroy();
});
