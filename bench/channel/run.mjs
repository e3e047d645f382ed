// Ours and the peers in one run; prints a table of rates, ratios to the bare socket, and which goals are met.
//   node bench/channel/run.mjs [--rounds 3] [--quick] [--peers]
// --peers also measures other libraries, once `npm ci --ignore-scripts --prefix bench/peers` has installed them.
import { cpus } from 'node:os';
import { Worker } from 'node:worker_threads';
import { ChannelSession, memoryPair } from '@circuit/channel';
import { dialWorker } from '@circuit/channel/message-port';
import { dial } from './dial.mjs';
import { far, farPeer } from './far.mjs';
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
const carriers = ['unix', 'tcp', 'tls', 'websocket', 'http2'];
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
  if (row !== 'memory') table.put(row, 'p99 ms', await probes.besideStream(session, n(500)));
  if (session.stats.channels > 4) throw new Error(`${row}: ${session.stats.channels} channels left`);
  await session.close();
}

async function measureBare(row, address) {
  table.put(row, 'one way', await probes.bareOneWay(address, n(300_000)));
  table.put(row, 'one way, record', await probes.bareOneWayRecord(address, n(200_000)));
  table.put(row, 'req 1', await probes.barePingPong(address, n(10_000)));
  table.put(row, 'stream MiB/s', (await probes.bareStream(address, n(512) * MiB)) / MiB);
}

async function measureHttp2(row, address) {
  table.put(row, 'req 1', await probes.http2Requests(address, 1, n(4000)));
  table.put(row, 'req 64', await probes.http2Requests(address, 64, n(10_000)));
  table.put(row, 'stream MiB/s', (await probes.http2Stream(address, n(256) * MiB)) / MiB);
}

async function measurePeer(name) {
  const other = await farPeer(name);
  const library = await import(`../peers/${name}.mjs`);
  const row = `${name} 2p`;
  const peer = await timed(row, () => library.dial(other.address));
  table.put(row, 'one way', await peer.oneWay(n(50_000)));
  table.put(row, 'req 1', await peer.requests(1, n(3000)));
  table.put(row, 'req 64', await peer.requests(64, n(20_000)));
  if (peer.maxInFlight === undefined) table.put(row, 'req 1000', await peer.requests(1000, n(20_000)));
  if (peer.stream !== undefined) table.put(row, 'stream MiB/s', (await peer.stream(n(128) * MiB)) / MiB);
  await peer.close();
  await other.close();
}

async function measureWorker() {
  const worker = new Worker(new URL('worker.mjs', import.meta.url));
  await measureSession('message-port, worker', dialWorker(worker));
  await worker.terminate();
}

for (let round = 0; round < rounds; round++) {
  await measureSession('memory', memory());
  const bare = await serve('bare');
  await measureBare('bare 1p', bare.address);
  await bare.close();
  for (const kind of carriers) {
    const own = await serve(kind);
    await measureSession(`${kind} 1p`, await timed(`${kind} 1p`, () => dial(kind, own.address)));
    await own.close();
  }
  await measureWorker();
  const bareFar = await far('bare');
  await measureBare('bare 2p', bareFar.address);
  await bareFar.close();
  const h2 = await far('bare-http2');
  await measureHttp2('node:http2 2p', h2.address);
  await h2.close();
  for (const kind of carriers) {
    const other = await far(kind);
    await measureSession(`${kind} 2p`, await timed(`${kind} 2p`, () => dial(kind, other.address)));
    if (kind === 'tcp' || kind === 'tls') {
      const between = await far(`relay-${kind}`, other.address);
      await measureSession(`${kind} relay 3p`, await dial(kind, between.address));
      await between.close();
    }
    await other.close();
  }
  const resuming = await far('tcp-resume');
  await measureSession('tcp resume 2p', await timed('tcp resume 2p', () => dial('tcp-resume', resuming.address)));
  await resuming.close();
  if (withPeers) for (const name of peers) await measurePeer(name);
}

console.log(
  `\n${new Date().toISOString().slice(0, 10)}, Node ${process.version}, ${cpus().length} × ${cpus()[0].model.trim()}, median of ${rounds}\n`,
);
table.print();

const rate = (row, column) => table.get(row, column);
const missed = printGoals([
  ['one way, TCP 2p, msg/s', rate('tcp 2p', 'one way'), 500_000],
  ['one way, TLS 2p, msg/s', rate('tls 2p', 'one way'), 400_000],
  ['one way, WebSocket 2p, msg/s', rate('websocket 2p', 'one way'), 200_000],
  ['one way, memory, msg/s', rate('memory', 'one way'), 300_000],
  ['nested requests, TCP 1p, 1 in flight, per s', rate('tcp 1p', 'req 1'), 25_000],
  ['nested requests, TCP 2p, 64 in flight, per s', rate('tcp 2p', 'req 64'), 120_000],
  ['nested requests, TCP 2p, 1,000 in flight, per s', rate('tcp 2p', 'req 1000'), 200_000],
  ['small round trip beside a full stream, p99 ms', rate('tcp 2p', 'p99 ms'), 10, 'at most'],
]);
const missedRatios = printRatios(await measureRatios(quick ? 3 : 15, scale));
process.exitCode = missed + missedRatios > 0 && !quick ? 1 : 0;
