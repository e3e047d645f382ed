// NATS: publish and request/reply through a nats-server of the bench's own.
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { connect } from '@nats-io/transport-node';
import { chunk, message, times } from '../channel/common.mjs';

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

async function connected(port) {
  for (let attempt = 0; ; attempt++) {
    try {
      return await connect({ servers: `127.0.0.1:${port}`, noEcho: true });
    } catch (error) {
      if (attempt === 50) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

export async function serve() {
  const port = await freePort();
  const broker = spawn('nats-server', ['-a', '127.0.0.1', '-p', String(port)], { stdio: 'ignore' });
  process.on('exit', () => broker.kill());
  const { promise, reject } = Promise.withResolvers?.() ?? deferred();
  broker.on('error', reject);
  const link = await Promise.race([connected(port), promise]);
  let sum = 0;
  link.subscribe('note', { callback: () => void sum++ });
  link.subscribe('sum', { callback: (_error, ask) => ask.respond(String(sum)) });
  link.subscribe('ask', { callback: (_error, ask) => ask.respond(ask.data) });
  await link.flush();
  return { port };
}

function deferred() {
  const made = {};
  made.promise = new Promise((_resolve, reject) => {
    made.reject = reject;
  });
  return made;
}

export async function dial({ port }) {
  const link = await connected(port);
  const sum = async () => Number((await link.request('sum', '', { timeout: 60_000 })).string());
  const publish = async (body, more, every) => {
    const before = await sum();
    let count = 0;
    for (; more(); count++) {
      link.publish('note', body);
      if (count % every === 0) await link.flush();
    }
    const arrived = (await sum()) - before;
    if (arrived !== count) throw new Error(`nats: ${arrived} of ${count} arrived`);
  };
  return {
    oneWay: (count, value) => publish(value, times(count), 1000),
    carriesBytes: true,
    ask: () => link.request('ask', message, { timeout: 60_000 }),
    pour: (more) => publish(chunk, more, 16),
    close: () => link.close(),
  };
}
