// The processes of gateway.mjs, each started by it: node gateway-roles.mjs ROLE HOST [what the role needs]. A role answers one line of JSON when it is
// ready and one for each line that it is told; it ends with who started it.
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { bytePipe } from '@circuit/channel';
import { dialVia, serveGateway, startGateway } from '@circuit/channel/gateway';
import { dialTcp, listenTcp } from '@circuit/channel/tcp';
import { dialTls, listenTls } from '@circuit/channel/tls';
import { identity, key } from './common.mjs';

const chunk = Buffer.alloc(65_536);
const tlsSettings = { minVersion: 'TLSv1.3', ciphers: 'TLS_AES_128_GCM_SHA256', allowHalfOpen: true };

/** Milliseconds of processor time that this process has had. */
function spent() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

const roles = {
  /** Counts what comes over a plain socket and answers with the count and what it cost. */
  async sink(host) {
    const port = await listen(
      host,
      createServer({ allowHalfOpen: true }, (socket) => {
        const before = spent();
        let count = 0;
        socket.on('data', (bytes) => (count += bytes.length));
        socket.on('end', () => socket.end(`${count} ${spent() - before}`));
      }),
    );
    return { said: { port } };
  },
  /** The far side of the sessions: reads streams itself, and serves gateways. */
  async far(host) {
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
    return { said: { tcp: tcp.address.port, tls: tls.address.port }, told: spent };
  },
  /** The near side: writes a stream itself for each number of bytes that it is told, and keeps a gateway to where the sink is. */
  async near(host, carrier, farHost, farPort, sinkPort) {
    const to = { host: farHost, port: Number(farPort) };
    const session = await (carrier === 'tls' ? dialTls({ ...to, psk: { identity, key } }) : dialTcp(to));
    const requests = session.open({ target: 'gateway' });
    const dial = ({ signal }) => dialVia(requests, { host: farHost, port: Number(sinkPort) }, { signal });
    const gateway = await startGateway({ listen: { host, port: 0 }, dial });
    return {
      said: { port: gateway.address.port },
      told: (bytes) => (bytes === '' ? spent() : raw(session, Number(bytes))),
    };
  },
  /** Pipes each connection to a port, as the gateway does in two halves; `tls` says on which side that is. */
  async proxy(host, toHost, toPort, tls) {
    const onSocket = (from) => {
      const options = { host: toHost, port: Number(toPort), allowHalfOpen: true, noDelay: true };
      const psk = { pskCallback: () => ({ identity, psk: key }), checkServerIdentity: () => undefined };
      const to = tls === 'out' ? connectTls({ ...options, ...tlsSettings, ...psk }) : connect(options);
      for (const socket of [from, to]) socket.on('error', () => undefined);
      from.pipe(to);
      to.pipe(from);
    };
    const server =
      tls === 'in'
        ? createTlsServer({ ...tlsSettings, pskCallback: () => key }, onSocket)
        : createServer({ allowHalfOpen: true, noDelay: true }, onSocket);
    return { said: { port: await listen(host, server) } };
  },
  /** Writes to plain sockets as it is told, and says how long the count took to come back. */
  source() {
    return { told: (line) => pour(...line.split(' ')) };
  },
};

async function listen(host, server) {
  server.listen(0, host);
  await once(server, 'listening');
  return server.address().port;
}

async function pour(host, port, bytes) {
  const socket = connect({ host, port: Number(port) });
  await once(socket, 'connect');
  const begun = performance.now();
  for (let left = Number(bytes); left > 0; left -= chunk.length) if (!socket.write(chunk)) await once(socket, 'drain');
  socket.end();
  let answer = '';
  for await (const text of socket.setEncoding('utf8')) answer += text;
  const [arrived, cpu] = answer.split(' ').map(Number);
  return { ...rate(Number(bytes), arrived, begun), cpu };
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
  return rate(bytes, value, begun);
}

function rate(bytes, arrived, begun) {
  if (arrived !== bytes) throw new Error(`${arrived} of ${bytes} bytes arrived`);
  return { perSecond: (bytes / (performance.now() - begun)) * 1000 };
}

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

const [name, ...settings] = process.argv.slice(2);
const { said = {}, told } = await roles[name](...settings);
console.log(JSON.stringify(said));
createInterface({ input: process.stdin })
  .on('line', async (line) => console.log(JSON.stringify(await told(line))))
  .on('close', () => process.exit());
