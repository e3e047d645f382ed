// The socket gateway beside the raw stream of the same session: node bench/channel/gateway.mjs [MiB]. Four processes, as in life: who
// writes, the two sides of the session, who reads.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { bytePipe } from '@circuit/channel';
import { dialVia, serveGateway, startGateway } from '@circuit/channel/gateway';
import { dialTcp, listenTcp } from '@circuit/channel/tcp';
import { dialTls, listenTls } from '@circuit/channel/tls';
import { identity, key, median } from './common.mjs';

const chunk = Buffer.alloc(65_536);
const host = '127.0.0.1';

const roles = {
  /** Counts what comes over a plain socket and answers with the count. */
  async sink() {
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      let count = 0;
      socket.on('data', (bytes) => (count += bytes.length));
      socket.on('end', () => socket.end(`${count}`));
    });
    server.listen(0, host);
    await once(server, 'listening');
    return { port: server.address().port };
  },
  /** The far side: reads streams itself, and serves gateways. */
  async far() {
    const onSession = async (session) => {
      for (;;) {
        const { receiver, target } = await session.accept();
        if (target === 'gateway') serveGateway(receiver, { mayDial: () => true }).catch(() => undefined);
        else count(receiver).catch(() => undefined);
      }
    };
    const serve = (session) => void onSession(session).catch(() => undefined);
    const tcp = await listenTcp({ host, port: 0 }, serve);
    const tls = await listenTls({ host, port: 0, pskFor: () => key }, serve);
    return { tcp: tcp.address.port, tls: tls.address.port };
  },
  /** Writes so many bytes to a plain socket and tells how long the count took to come back. */
  async source([port, bytes]) {
    const socket = connect({ host, port: Number(port) });
    await once(socket, 'connect');
    const start = performance.now();
    for (let left = Number(bytes); left > 0; left -= chunk.length)
      if (!socket.write(chunk)) await once(socket, 'drain');
    socket.end();
    let answer = '';
    for await (const text of socket.setEncoding('utf8')) answer += text;
    if (answer !== bytes) throw new Error(`${answer} of ${bytes} bytes arrived`);
    return { perSecond: (Number(bytes) / (performance.now() - start)) * 1000 };
  },
};

async function count(receiver) {
  for (;;) {
    const message = await receiver.receive();
    if (message.done) return;
    let bytes = 0;
    for await (const piece of message.value.stream) bytes += piece.length;
    await message.ret.send(bytes);
    message.ret.close();
  }
}

async function start(role, ...argv) {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), role, ...argv.map(String)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  return { said: JSON.parse(line), end: () => child.stdin.end() };
}

async function raw(session, bytes) {
  const sender = session.open();
  const { reader, writer } = bytePipe(1 << 20);
  const begun = performance.now();
  const answers = await sender.send({ stream: reader }, { returns: true });
  for (let left = bytes; left > 0; left -= chunk.length) await writer.write(chunk);
  writer.close();
  const { value } = await answers.receive();
  sender.close();
  if (value !== bytes) throw new Error(`${value} of ${bytes} bytes arrived`);
  return (bytes / (performance.now() - begun)) * 1000;
}

async function through(port, bytes) {
  const { said, end } = await start('source', port, bytes);
  end();
  return said.perSecond;
}

async function measure(bytes) {
  const [far, sink] = [await start('far'), await start('sink')];
  const sessions = {
    tcp: await dialTcp({ host, port: far.said.tcp }),
    tls: await dialTls({ host, port: far.said.tls, psk: { identity, key } }),
  };
  for (const [name, session] of Object.entries(sessions)) {
    const requests = session.open({ target: 'gateway' });
    const dial = ({ signal }) => dialVia(requests, { host, port: sink.said.port }, { signal });
    const gateway = await startGateway({ listen: { host, port: 0 }, dial });
    const figures = { bare: [], raw: [], gateway: [] };
    for (let round = 0; round < 5; round++) {
      figures.bare.push(await through(sink.said.port, bytes));
      figures.raw.push(await raw(session, bytes));
      figures.gateway.push(await through(gateway.address.port, bytes));
    }
    const [bare, stream, carried] = Object.values(figures).map((values) => median(values) / 1e6);
    console.log(
      `${name}: raw stream ${stream.toFixed(0)} MB/s, gateway ${carried.toFixed(0)} MB/s: ${((100 * carried) / stream).toFixed(0)} %  (bare socket ${bare.toFixed(0)} MB/s)`,
    );
    await gateway.close();
    await session.close();
  }
  far.end();
  sink.end();
}

const [role, ...argv] = process.argv.slice(2);
if (role !== undefined && Object.hasOwn(roles, role)) {
  console.log(JSON.stringify(await roles[role](argv)));
  // Ends with who started it.
  process.stdin.resume().on('end', () => process.exit());
} else await measure(Number(role ?? 256) * 1_048_576);
