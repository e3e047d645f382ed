// capnweb over WebSocket: a request is a call that brings a callback, as a return channel does.
import { newWebSocketRpcSession, RpcTarget } from 'capnweb';
import { WebSocket, WebSocketServer } from 'ws';
import { chunk, message, times } from '../channel/common.mjs';

// Node 20 has no WebSocket of its own.
globalThis.WebSocket ??= WebSocket;

class Api extends RpcTarget {
  #count = 0;

  note() {
    this.#count++;
  }

  sum() {
    return this.#count;
  }

  async ask(value, answer) {
    await answer(value);
  }
}

export function serve() {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });
  server.on('connection', (socket) => newWebSocketRpcSession(socket, new Api()));
  return new Promise((resolve) => {
    server.on('listening', () => resolve({ port: server.address().port }));
  });
}

export async function dial({ port }) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}`, { perMessageDeflate: false });
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  const api = newWebSocketRpcSession(socket);
  await api.sum();
  const note = async (value, more, window) => {
    let pending = [];
    while (more()) {
      pending.push(api.note(value));
      if (pending.length >= window) {
        await Promise.all(pending);
        pending = [];
      }
    }
    await Promise.all(pending);
  };
  return {
    oneWay: (count, value) => note(value, times(count), 1000),
    ask: () => api.ask(message, () => undefined),
    pour: (more) => note(chunk, more, 16),
    close: () => socket.terminate(),
  };
}
