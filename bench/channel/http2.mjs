// HTTP/2 of Node without channels, to compare with: a request is a stream of its own, one way is one stream with all messages.
import { once } from 'node:events';
import { connect, createServer } from 'node:http2';
import { chunk, ownSize } from './common.mjs';
import { readMessages, writeMessages } from './messages.mjs';

const pong = Buffer.alloc(ownSize);
const settings = { initialWindowSize: 1 << 20 };

/** Answers `/messages` with their number, and everything else with 100 bytes or, if there were more, with how many there were. */
export function serveHttp2() {
  const server = createServer({ settings });
  server.on('session', (session) => session.setLocalWindowSize(1 << 24));
  server.on('stream', (stream, headers) => {
    stream.on('error', () => undefined);
    stream.respond();
    if (headers[':path'] === '/messages') {
      readMessages(stream);
      return;
    }
    let bytes = 0;
    stream.on('data', (data) => {
      bytes += data.length;
    });
    stream.on('end', () => stream.end(bytes > ownSize ? String(bytes) : pong));
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve({ address: server.address(), close: async () => server.close() }));
  });
}

/** A peer as those of `bench/peers` are. */
export async function dialHttp2({ port }) {
  const session = connect(`http://127.0.0.1:${port}`, { settings });
  await once(session, 'connect');
  const begin = (path) => session.request({ ':method': 'POST', ':path': path });
  const ask = () =>
    new Promise((resolve, reject) => {
      const stream = begin('/');
      stream.on('error', reject);
      stream.on('data', () => undefined);
      stream.on('end', resolve);
      stream.end(pong);
    });
  const pour = async (more) => {
    const stream = begin('/');
    let answer = '';
    stream.on('data', (data) => {
      answer += data;
    });
    let bytes = 0;
    for (; more(); bytes += chunk.length) if (!stream.write(chunk)) await once(stream, 'drain');
    stream.end();
    await once(stream, 'end');
    if (Number(answer) !== bytes) throw new Error(`${answer} of ${bytes} bytes arrived`);
  };
  return {
    oneWay: (count, value) => writeMessages(begin('/messages'), count, value),
    ask,
    pour,
    close: () => session.close(),
  };
}
