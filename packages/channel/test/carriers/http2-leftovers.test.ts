import { once } from 'node:events';
import { createServer } from 'node:http2';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { mountHttp2 } from '@circuit/channel/http2';
import { until } from '@circuit/testkit';
import { expect, test } from 'vitest';
import { collectGarbage } from '../support/live-bytes.js';
import { scopePerTest } from '../support/scope-per-test.js';

const scope = scopePerTest();

test('connections that break before HTTP/2 is agreed leave no socket behind', async () => {
  const server = createServer();
  mountHttp2(server, {}, () => undefined);
  const sockets: WeakRef<Socket>[] = [];
  let open = 0;
  server
    .on('sessionError', () => undefined)
    .on('connection', (socket: Socket) => {
      sockets.push(new WeakRef(socket));
      open++;
      socket.once('close', () => open--);
    });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  scope.defer(() => void server.close());
  const { port } = server.address() as AddressInfo;
  for (let i = 0; i < 40; i++) {
    const socket = connect(port, '127.0.0.1').on('error', () => undefined);
    await once(socket, 'connect');
    // Not how HTTP/2 begins.
    socket.write(Uint8Array.of(0x13));
    await until('it to be accepted', () => sockets.length > i);
    socket.resetAndDestroy();
  }
  await until('all to be closed', () => open === 0);
  await until('all but the latest to be collected', () => {
    collectGarbage();
    return sockets.filter((socket) => socket.deref() !== undefined).length < 5;
  });
  expect(sockets.length).toBe(40);
});
