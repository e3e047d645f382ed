// Ours and the peers in one run; prints a table of rates and of ratios to the bare socket, and which goals are met.
//   node bench/channel/run.mjs [--rounds 3] [--quick]
import { cpus } from 'node:os';
import { ChannelSession, memoryPair } from '@circuit/channel';
import { median } from './common.mjs';
import { dial } from './dial.mjs';
import { far } from './far.mjs';
import * as probes from './probes.mjs';
import { serve, serveSession } from './serve.mjs';

const quick = process.argv.includes('--quick');
const rounds = quick ? 1 : Number(process.argv[process.argv.indexOf('--rounds') + 1]) || 3;
const scale = quick ? 0.1 : 1;
const n = (count) => Math.ceil(count * scale);
const MiB = 2 ** 20;

function memory() {
  const [a, b] = memoryPair();
  void serveSession(new ChannelSession(b, 'listener'));
  return new ChannelSession(a, 'dialler');
}

const rows = new Map();
const put = (row, column, value) => {
  if (!rows.has(row)) rows.set(row, new Map());
  const cells = rows.get(row);
  if (!cells.has(column)) cells.set(column, []);
  cells.get(column).push(value);
};

const columns = ['one way', 'one way, record', 'req 1', 'req 64', 'req 1000', 'stream MiB/s', 'p99 ms'];

async function measureSession(row, session) {
  put(row, 'one way', await probes.oneWay(session, n(300_000)));
  put(row, 'one way, record', await probes.oneWayRecord(session, n(200_000)));
  put(row, 'req 1', await probes.requests(session, 1, n(10_000)));
  put(row, 'req 64', await probes.requests(session, 64, n(100_000)));
  put(row, 'req 1000', await probes.requests(session, 1000, n(200_000)));
  put(row, 'stream MiB/s', (await probes.stream(session, n(512) * MiB)) / MiB);
  if (row !== 'memory') put(row, 'p99 ms', await probes.besideStream(session, n(500)));
  if (session.stats.channels > 4) throw new Error(`${row}: ${session.stats.channels} channels left`);
  await session.close();
}

async function measureBare(row, address) {
  put(row, 'one way', await probes.bareOneWay(address, n(300_000)));
  put(row, 'one way, record', await probes.bareOneWayRecord(address, n(200_000)));
  put(row, 'req 1', await probes.barePingPong(address, n(10_000)));
  put(row, 'stream MiB/s', (await probes.bareStream(address, n(512) * MiB)) / MiB);
}

async function measureHttp2(row, address) {
  put(row, 'req 1', await probes.http2Requests(address, 1, n(4000)));
  put(row, 'req 64', await probes.http2Requests(address, 64, n(10_000)));
  put(row, 'stream MiB/s', (await probes.http2Stream(address, n(256) * MiB)) / MiB);
}

for (let round = 0; round < rounds; round++) {
  await measureSession('memory', memory());
  const bare = await serve('bare');
  await measureBare('bare 1p', bare.address);
  await bare.close();
  for (const kind of ['unix', 'tcp', 'tls']) {
    const own = await serve(kind);
    await measureSession(`${kind} 1p`, await dial(kind, own.address));
    await own.close();
  }
  const bareFar = await far('bare');
  await measureBare('bare 2p', bareFar.address);
  await bareFar.close();
  const h2 = await far('http2');
  await measureHttp2('node:http2 2p', h2.address);
  await h2.close();
  for (const kind of ['unix', 'tcp', 'tls']) {
    const other = await far(kind);
    await measureSession(`${kind} 2p`, await dial(kind, other.address));
    if (kind !== 'unix') {
      const between = await far(`relay-${kind}`, other.address);
      await measureSession(`${kind} relay 3p`, await dial(kind, between.address));
      await between.close();
    }
    await other.close();
  }
}

const value = (row, column) => {
  const all = rows.get(row)?.get(column);
  return all === undefined ? undefined : median(all);
};
const show = (number) =>
  number === undefined ? '–' : number >= 1000 ? `${(number / 1000).toFixed(1)} k` : number.toFixed(number < 10 ? 2 : 0);

console.log(
  `\n${new Date().toISOString().slice(0, 10)}, Node ${process.version}, ${cpus().length} × ${cpus()[0].model.trim()}, median of ${rounds}\n`,
);
console.log(`| | ${columns.join(' | ')} |`);
console.log(`|---|${columns.map(() => '---:').join('|')}|`);
for (const row of rows.keys()) console.log(`| ${row} | ${columns.map((c) => show(value(row, c))).join(' | ')} |`);

const goals = [
  ['one way, TCP 2p : bare batched 2p', value('tcp 2p', 'one way') / value('bare 2p', 'one way'), 0.6],
  ['one way, TCP 2p, msg/s', value('tcp 2p', 'one way'), 500_000],
  ['one way, TLS 2p, msg/s', value('tls 2p', 'one way'), 400_000],
  ['one way, memory, msg/s', value('memory', 'one way'), 300_000],
  ['nested requests, TCP 1p, 1 in flight, per s', value('tcp 1p', 'req 1'), 25_000],
  [
    'nested requests, TCP 2p, 1 in flight : bare ping-pong 2p',
    value('tcp 2p', 'req 1') / value('bare 2p', 'req 1'),
    0.8,
  ],
  ['nested requests, TCP 2p, 64 in flight, per s', value('tcp 2p', 'req 64'), 120_000],
  ['nested requests, TCP 2p, 1,000 in flight, per s', value('tcp 2p', 'req 1000'), 200_000],
  ['through a relay, one way : direct', value('tcp relay 3p', 'one way') / value('tcp 2p', 'one way'), 0.5],
  ['through a relay, 64 in flight : direct', value('tcp relay 3p', 'req 64') / value('tcp 2p', 'req 64'), 0.5],
  ['byte stream, TCP 2p : bare 2p', value('tcp 2p', 'stream MiB/s') / value('bare 2p', 'stream MiB/s'), 0.8],
  ['byte stream, relay : bare 2p', value('tcp relay 3p', 'stream MiB/s') / value('bare 2p', 'stream MiB/s'), 0.35],
  ['small round trip beside a full stream, p99 ms', value('tcp 2p', 'p99 ms'), 10, 'at most'],
];
console.log('\n| goal | measured | wanted | |\n|---|---:|---:|---|');
let missed = 0;
for (const [name, measured, wanted, atMost] of goals) {
  const met = atMost ? measured <= wanted : measured >= wanted;
  if (!met) missed++;
  console.log(
    `| ${name} | ${show(measured)} | ${atMost ? '≤' : '≥'} ${show(wanted)} | ${met ? 'met' : '**missed**'} |`,
  );
}
process.exitCode = missed > 0 && !quick ? 1 : 0;
