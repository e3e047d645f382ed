// ws: MessagePack in binary messages; a request carries a number, the answer brings it back.
import { decode, encode } from '@msgpack/msgpack';
import { WebSocket, WebSocketServer } from 'ws';
import { chunk, flight, message, seconds } from './common.mjs';

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
  const room = async () => {
    while (socket.bufferedAmount > 1_048_576) await new Promise((resolve) => setImmediate(resolve));
  };
  return {
    async oneWay(count) {
      const start = performance.now();
      for (let i = 0; i < count; i++) {
        socket.send(encode(['note', 0, message]));
        if (i % 100 === 0) await room();
      }
      await ask('sum');
      return count / seconds(start);
    },
    requests: (inFlight, count) => flight(inFlight, count, () => ask('ask', message)),
    async stream(bytes) {
      const start = performance.now();
      for (let left = bytes; left > 0; left -= chunk.length) {
        socket.send(chunk);
        await room();
      }
      await ask('sum');
      return bytes / seconds(start);
    },
    close: () => socket.terminate(),
  };
}
