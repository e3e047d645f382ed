// Ours and the peers in one run; prints a table of rates, ratios to the bare socket, and which goals are met.
//   node bench/channel/run.mjs [--rounds 3] [--quick] [--peers]
// --peers also measures other libraries, once `npm ci --ignore-scripts --prefix bench/peers` has installed them.
import { cpus } from 'node:os';
import { Worker } from 'node:worker_threads';
import { ChannelSession, memoryPair } from '@circuit/channel';
import { dialWorker } from '@circuit/channel/message-port';
import { chunk, flight, message, perSecond, record, times, worstPercent } from './common.mjs';
import { dial } from './dial.mjs';
import { far, farPeer } from './far.mjs';
import { dialHttp2 } from './http2.mjs';
import * as probes from './probes.mjs';
import { measureRatios, printRatios } from './ratios.mjs';
import { serve, serveSession } from './serve.mjs';
import { printGoals, Table } from './table.mjs';

// The add-on of `ws` that masks natively came with another peer; a plain install of `ws`, or of ours, has none.
process.env.WS_NO_BUFFER_UTIL = '1';

const quick = process.argv.includes('--quick');
const withPeers = process.argv.includes('--peers');
const rounds = quick ? 1 : Number(process.argv[process.argv.indexOf('--rounds') + 1]) || 3;
const scale = quick ? 0.1 : 1;
const n = (count) => Math.ceil(count * scale);
const MiB = 2 ** 20;

const table = new Table([
  'dial ms',
  'one way',
  'one way, record',
  'req 1',
  'req 64',
  'req 1000',
  'stream MiB/s',
  'p99 ms',
]);
const carriers = ['unix', 'tcp', 'tls', 'tls-certificates', 'websocket', 'wss', 'http2', 'http2-tls'];
/** Those that are measured through a relay, too. Its p99 has no goal: three processes share the processors there. */
const relays = ['tcp', 'tls'];
const peers = ['ws', 'grpc', 'capnweb', 'nats', 'jschan'];

function memory() {
  const [a, b] = memoryPair();
  void serveSession(new ChannelSession(b, 'listener'));
  return new ChannelSession(a, 'dialler');
}

async function timed(row, connect) {
  const start = performance.now();
  const made = await connect();
  table.put(row, 'dial ms', performance.now() - start);
  return made;
}

async function measureSession(row, session) {
  table.put(row, 'one way', await probes.oneWay(session, n(300_000)));
  table.put(row, 'one way, record', await probes.oneWayRecord(session, n(200_000)));
  table.put(row, 'req 1', await probes.requests(session, 1, n(10_000)));
  table.put(row, 'req 64', await probes.requests(session, 64, n(100_000)));
  table.put(row, 'req 1000', await probes.requests(session, 1000, n(200_000)));
  table.put(row, 'stream MiB/s', (await probes.stream(session, n(512) * MiB)) / MiB);
  table.put(row, 'p99 ms', await probes.besideStream(session, n(500)));
  if (session.stats.channels > 4) throw new Error(`${row}: ${session.stats.channels} channels left`);
  await session.close();
}

async function measureBare(row, { address }) {
  const socket = await timed(row, () => probes.dialBare(address, 'P'));
  socket.destroy();
  table.put(row, 'one way', await probes.bareOneWay(address, n(300_000)));
  table.put(row, 'one way, record', await probes.bareOneWayRecord(address, n(200_000)));
  table.put(row, 'req 1', await probes.barePingPong(address, n(10_000)));
  table.put(row, 'stream MiB/s', (await probes.bareStream(address, n(512) * MiB)) / MiB);
}

/** What is compared with ours; what it cannot do it does not have. */
async function measurePeer(row, peer, messages = n(50_000)) {
  const oneWay = (value) => perSecond(messages, () => peer.oneWay(messages, value));
  table.put(row, 'one way', await oneWay(message));
  if (!peer.carriesBytes) table.put(row, 'one way, record', await oneWay(record));
  table.put(row, 'req 1', await flight(1, n(3000), peer.ask));
  table.put(row, 'req 64', await flight(64, n(20_000), peer.ask));
  if (peer.maxInFlight === undefined) table.put(row, 'req 1000', await flight(1000, n(20_000), peer.ask));
  if (peer.pour !== undefined) {
    const bytes = n(128) * MiB;
    table.put(row, 'stream MiB/s', (await perSecond(bytes, () => peer.pour(times(bytes / chunk.length)))) / MiB);
    table.put(row, 'p99 ms', await worstPercent(n(500), peer.ask, peer.pour));
  }
  await peer.close();
}

async function measureWorker() {
  const row = 'message-port, worker';
  const worker = new Worker(new URL('worker.mjs', import.meta.url));
  // Its thread has started when it answers. Nothing waits for a session over a port to stand, so dialling is until its first answer.
  const answering = async () => {
    const session = dialWorker(worker);
    const sender = session.open();
    await probes.ask(sender, 1);
    sender.close();
    return session;
  };
  await (await answering()).close();
  await measureSession(row, await timed(row, answering));
  await worker.terminate();
}

for (let round = 0; round < rounds; round++) {
  await measureSession('memory', memory());
  const bare = await serve('bare');
  await measureBare('bare 1p', bare);
  await bare.close();
  for (const kind of carriers) {
    const own = await serve(kind);
    await measureSession(`${kind} 1p`, await timed(`${kind} 1p`, () => dial(kind, own.address)));
    await own.close();
  }
  await measureWorker();
  const bareFar = await far('bare');
  await measureBare('bare 2p', bareFar);
  await bareFar.close();
  const h2 = await far('bare-http2');
  await measurePeer('node:http2 2p', await timed('node:http2 2p', () => dialHttp2(h2.address)), n(300_000));
  await h2.close();
  for (const kind of carriers) {
    const other = await far(kind);
    await measureSession(`${kind} 2p`, await timed(`${kind} 2p`, () => dial(kind, other.address)));
    if (relays.includes(kind)) {
      const between = await far(`relay-${kind}`, other.address);
      await measureSession(`${kind} relay 3p`, await dial(kind, between.address));
      await between.close();
    }
    await other.close();
  }
  const resuming = await far('tcp-resume');
  await measureSession('tcp resume 2p', await timed('tcp resume 2p', () => dial('tcp-resume', resuming.address)));
  await resuming.close();
  if (withPeers)
    for (const name of peers) {
      const other = await farPeer(name);
      const library = await import(`../peers/${name}.mjs`);
      await measurePeer(`${name} 2p`, await timed(`${name} 2p`, () => library.dial(other.address)));
      await other.close();
    }
}

console.log(
  `\n${new Date().toISOString().slice(0, 10)}, Node ${process.version}, ${cpus().length} × ${cpus()[0].model.trim()}, median of ${rounds}\n`,
);
table.print();
console.log(`
Dialling over a message port is until the first answer: nothing waits for such a session to stand. One way over node:http2 is one stream with all messages, as over a bare
socket; a request is a stream of its own. Where nothing stands: in memory nobody dials, and through a relay it is the relay that is dialled, as in the row above; of a bare socket, pings in
flight cannot be told apart, and nothing can be beside a stream; what is in the messages of grpc and nats is up to who uses them; with 1,000 messages in one read jschan's decoder
overflows the stack, and its byte streams crash.`);

const rate = (row, column) => table.get(row, column);
const beside = (row, wanted) => [
  `small round trip beside a full stream, p99 ms, ${row}`,
  rate(row, 'p99 ms'),
  wanted,
  'at most',
];
const missed = printGoals([
  ['one way, TCP 2p, msg/s', rate('tcp 2p', 'one way'), 500_000],
  ['one way, TLS 2p, msg/s', rate('tls 2p', 'one way'), 400_000],
  ['one way, WebSocket 2p, msg/s', rate('websocket 2p', 'one way'), 200_000],
  ['one way, memory, msg/s', rate('memory', 'one way'), 300_000],
  ['nested requests, TCP 1p, 1 in flight, per s', rate('tcp 1p', 'req 1'), 25_000],
  ['nested requests, TCP 2p, 64 in flight, per s', rate('tcp 2p', 'req 64'), 120_000],
  ['nested requests, TCP 2p, 1,000 in flight, per s', rate('tcp 2p', 'req 1000'), 200_000],
  ...[...carriers, 'tcp resume'].map((carrier) => beside(`${carrier} 2p`, 10)),
  ...relays.map((carrier) => beside(`${carrier} relay 3p`)),
]);
const missedRatios = printRatios(await measureRatios(quick ? 3 : 15, scale));
process.exitCode = missed + missedRatios > 0 && !quick ? 1 : 0;
