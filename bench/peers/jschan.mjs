// jschan, the JavaScript port of libchan, over a TCP socket: a request carries a return channel. Its byte streams crash.
import { createServer, connect } from 'node:net';
import { once } from 'node:events';
// The package's entry requires spdy, which Node 20 no longer runs; what is used here does not need it.
import StreamSession from 'jschan/lib/stream/session.js';
import { message } from '../channel/common.mjs';

const body = Buffer.from(message).toString('latin1');

export function serve() {
  const server = createServer({ noDelay: true }, (socket) => {
    const session = StreamSession(socket, socket, { server: true });
    session.on('channel', (channel) => {
      let count = 0;
      channel.on('data', ({ ret, value, sum }) => {
        count++;
        if (ret !== undefined) ret.end(sum ? { value: count } : { value });
      });
    });
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve({ port: server.address().port }));
  });
}

export async function dial({ port }) {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  const session = StreamSession(socket, socket);
  const channel = session.WriteChannel();
  const ask = (fields) =>
    new Promise((resolve) => {
      const ret = channel.ReadChannel();
      ret.once('data', resolve);
      channel.write({ ...fields, ret });
    });
  return {
    // Its decoder calls itself for each message of a read: more at once overflow the stack.
    maxInFlight: 64,
    async oneWay(count, value) {
      const said = value === message ? body : value;
      for (let i = 0; i < count; i++) {
        if (!channel.write({ value: said })) await once(channel, 'drain');
        if (i % 100 === 0) await ask({ sum: true });
      }
      await ask({ sum: true });
    },
    ask: () => ask({ value: body }),
    close: () => socket.destroy(),
  };
}
