// ws: MessagePack in binary messages; a request carries a number, the answer brings it back.
import { decode, encode } from '@msgpack/msgpack';
import { WebSocket, WebSocketServer } from 'ws';
import { chunk, message } from '../channel/common.mjs';

const options = { perMessageDeflate: false };

export function serve() {
  const server = new WebSocketServer({ ...options, host: '127.0.0.1', port: 0 });
  server.on('connection', (socket) => {
    let count = 0;
    let bytes = 0;
    socket.on('message', (data) => {
      if (data.length >= chunk.length) {
        bytes += data.length;
        return;
      }
      const [kind, id, value] = decode(data);
      if (kind === 'ask') socket.send(encode(['answer', id, value]));
      else if (kind === 'sum') socket.send(encode(['answer', id, count + bytes]));
      else count++;
    });
  });
  return new Promise((resolve) => {
    server.on('listening', () => resolve({ port: server.address().port }));
  });
}

export async function dial({ port }) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}`, options);
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  const waiting = new Map();
  let next = 0;
  socket.on('message', (data) => {
    const [, id, value] = decode(data);
    waiting.get(id)(value);
    waiting.delete(id);
  });
  const ask = (kind, value) =>
    new Promise((resolve) => {
      const id = next++;
      waiting.set(id, resolve);
      socket.send(encode([kind, id, value]));
    });
  // A turn of the event loop each time: while the system takes all that is written, nothing else would ever be read.
  const room = async () => {
    do await new Promise((resolve) => setImmediate(resolve));
    while (socket.bufferedAmount > 1_048_576);
  };
  return {
    async oneWay(count, value) {
      for (let i = 0; i < count; i++) {
        socket.send(encode(['note', 0, value]));
        if (i % 100 === 0) await room();
      }
      await ask('sum');
    },
    ask: () => ask('ask', message),
    async pour(more) {
      while (more()) {
        socket.send(chunk);
        await room();
      }
      await ask('sum');
    },
    close: () => socket.terminate(),
  };
}
