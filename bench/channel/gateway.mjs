// The socket gateway beside the raw stream of the same session: node bench/channel/gateway.mjs [MiB] [rounds]. Four processes, as in life:
// who writes, the two sides of the session, who reads. The raw stream has two and is read and written where the session is, so on two
// processors it has twice the machine; what that alone costs is shown by two plain proxies of Node in place of the two sides, over TLS
// where the session is. The processor time of the two sides is not touched by how many others run.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { bytePipe } from '@circuit/channel';
import { dialVia, serveGateway, startGateway } from '@circuit/channel/gateway';
import { dialTcp, listenTcp } from '@circuit/channel/tcp';
import { dialTls, listenTls } from '@circuit/channel/tls';
import { identity, key, median } from './common.mjs';

const chunk = Buffer.alloc(65_536);
const host = '127.0.0.1';
const tlsSettings = { minVersion: 'TLSv1.3', ciphers: 'TLS_AES_128_GCM_SHA256', allowHalfOpen: true };

/** Milliseconds of processor time that this process has had. */
function spent() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

const roles = {
  /** Counts what comes over a plain socket and answers with the count and what it cost. */
  async sink() {
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      const before = spent();
      let count = 0;
      socket.on('data', (bytes) => (count += bytes.length));
      socket.on('end', () => socket.end(`${count} ${spent() - before}`));
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
        if (target === 'spent') {
          const { ret } = await receiver.receive();
          await ret.send(spent());
        } else if (target === 'gateway') serveGateway(receiver, { mayDial: () => true }).catch(() => undefined);
        else count(receiver).catch(() => undefined);
      }
    };
    const serve = (session) => void onSession(session).catch(() => undefined);
    const tcp = await listenTcp({ host, port: 0 }, serve);
    const tls = await listenTls({ host, port: 0, pskFor: () => key }, serve);
    return { tcp: tcp.address.port, tls: tls.address.port };
  },
  /** Pipes each connection to a port, as the gateway does in two halves; `tls` says on which side that is. */
  async proxy([port, tls]) {
    const onSocket = (from) => {
      const options = { host, port: Number(port), allowHalfOpen: true, noDelay: true };
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
    server.listen(0, host);
    await once(server, 'listening');
    return { port: server.address().port };
  },
  /** Writes to plain sockets as it is told, and says how long the count took to come back. */
  async source() {
    createInterface({ input: process.stdin }).on('line', async (line) => {
      console.log(JSON.stringify(await pour(...line.split(' ').map(Number))));
    });
    return {};
  },
};

async function pour(port, bytes) {
  const socket = connect({ host, port });
  await once(socket, 'connect');
  const begun = performance.now();
  for (let left = bytes; left > 0; left -= chunk.length) if (!socket.write(chunk)) await once(socket, 'drain');
  socket.end();
  let answer = '';
  for await (const text of socket.setEncoding('utf8')) answer += text;
  const [count, cpu] = answer.split(' ').map(Number);
  if (count !== bytes) throw new Error(`${count} of ${bytes} bytes arrived`);
  return { perSecond: (bytes / (performance.now() - begun)) * 1000, cpu: (cpu / bytes) * 2 ** 30 };
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

async function start(role, ...argv) {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), role, ...argv.map(String)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout });
  const next = async () => JSON.parse((await once(lines, 'line'))[0]);
  const ask = (line) => {
    child.stdin.write(`${line}\n`);
    return next();
  };
  return { said: await next(), ask, end: () => child.stdin.end() };
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

async function spentThere(session) {
  const sender = session.open({ target: 'spent' });
  const answers = await sender.send(0, { returns: true });
  const { value } = await answers.receive();
  sender.close();
  return value;
}

/** Runs `run`; answers its rate and the processor time of the dearer of the session's two sides, in ms for a GiB. */
async function timed(session, bytes, run) {
  const before = [spent(), await spentThere(session)];
  const perSecond = await run();
  const after = [spent(), await spentThere(session)];
  const dearer = Math.max(...after.map((ms, side) => ms - before[side]));
  return { perSecond, cpu: (dearer / bytes) * 2 ** 30 };
}

async function measure(bytes, rounds) {
  const [far, sink, source] = [await start('far'), await start('sink'), await start('source')];
  const through = (port) => source.ask(`${port} ${bytes}`);
  const sessions = {
    tcp: await dialTcp({ host, port: far.said.tcp }),
    tls: await dialTls({ host, port: far.said.tls, psk: { identity, key } }),
  };
  for (const [name, session] of Object.entries(sessions)) {
    const second = await start('proxy', sink.said.port, name === 'tls' ? 'in' : 'none');
    const first = await start('proxy', second.said.port, name === 'tls' ? 'out' : 'none');
    const requests = session.open({ target: 'gateway' });
    const dial = ({ signal }) => dialVia(requests, { host, port: sink.said.port }, { signal });
    const gateway = await startGateway({ listen: { host, port: 0 }, dial });
    const figures = { bare: [], proxies: [], raw: [], gateway: [] };
    // The first round warms up.
    for (let round = 0; round <= rounds; round++) {
      const figure = {
        bare: await through(sink.said.port),
        raw: await timed(session, bytes, () => raw(session, bytes)),
        proxies: await through(first.said.port),
        gateway: await timed(session, bytes, async () => (await through(gateway.address.port)).perSecond),
      };
      if (round > 0) for (const [kind, values] of Object.entries(figures)) values.push(figure[kind]);
    }
    const rate = (kind) => `${(median(figures[kind].map(({ perSecond }) => perSecond)) / 1e6).toFixed(0)} MB/s`;
    const ratio = (kind, to, what = 'perSecond') =>
      `${(100 * median(figures[kind].map((one, i) => one[what] / figures[to][i][what]))).toFixed(0)} %`;
    const cost = (kind) => median(figures[kind].map(({ cpu }) => cpu));
    console.log(
      `${name}: raw stream ${rate('raw')}, gateway ${rate('gateway')}: ${ratio('gateway', 'raw')}; two proxies ${rate('proxies')}: ` +
        `${ratio('proxies', 'raw')}, gateway to proxies ${ratio('gateway', 'proxies')} (bare socket ${rate('bare')})`,
    );
    const most = cost('raw') / (cost('raw') + cost('bare'));
    console.log(
      `${name}: processor time of the dearer side for a GiB: raw stream ${cost('raw').toFixed(0)} ms, gateway ${cost('gateway').toFixed(0)} ms: ` +
        `${ratio('raw', 'gateway', 'cpu')}; to read a plain socket alone takes ${cost('bare').toFixed(0)} ms, so at most ${(100 * most).toFixed(0)} %`,
    );
    await gateway.close();
    await session.close();
    for (const proxy of [first, second]) proxy.end();
  }
  for (const other of [far, sink, source]) other.end();
}

const [role, ...argv] = process.argv.slice(2);
if (role !== undefined && Object.hasOwn(roles, role)) {
  console.log(JSON.stringify(await roles[role](argv)));
  // Ends with who started it.
  process.stdin.resume().on('end', () => process.exit());
} else await measure(Number(role ?? 256) * 1_048_576, Number(argv[0] ?? 7));
