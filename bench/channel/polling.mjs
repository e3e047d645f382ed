// What busy polling brings and costs: one request at a time over TCP between two processes, at several paces, and one message a
// millisecond that nobody answers; with it on both sides and on neither. Processor time is that of both processes, and includes
// what the pacing itself takes.
//   node bench/channel/polling.mjs [--seconds 2] [--rounds 3]
// Back to back alone, beside a process on each processor that computes without end:
//   node bench/channel/polling.mjs --computing [--seconds 2] [--rounds 3]
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { median, message, processorTime } from './common.mjs';
import { dial } from './dial.mjs';
import { far } from './far.mjs';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '3' },
    computing: { type: 'boolean', default: false },
  },
});
const [forMs, rounds] = [1000 * Number(values.seconds), Number(values.rounds)];
/** Milliseconds between an answer and the next request. */
const paces = values.computing ? [0] : [0, 1, 5, 20];

/** Processor time so far, milliseconds; finer for this process than for others. */
function cpuMs(pid) {
  const { user, system } = process.cpuUsage();
  const [own, forIt] = pid === process.pid ? [user, system] : processorTime(pid);
  return (own + forIt) / 1000;
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function ask(channel) {
  const answer = await channel.send(message, { returns: true });
  await answer.receive();
  // To the end, so that the channel leaves both tables.
  await answer.receive();
}

async function tell(channel) {
  await channel.send(message);
}

async function measure({ end, channel }, paceMs, say) {
  const latencies = [];
  const used = () => cpuMs(process.pid) + cpuMs(end.pid);
  const [begun, before] = [performance.now(), used()];
  let now = begun;
  while (now < begun + forMs) {
    await say(channel);
    latencies.push(performance.now() - now);
    if (paceMs > 0) await pause(paceMs);
    now = performance.now();
  }
  latencies.sort((a, b) => a - b);
  const at = (part) => 1000 * latencies[Math.floor(part * latencies.length)];
  const cpu = used() - before;
  return {
    mean: (1000 * latencies.reduce((sum, ms) => sum + ms, 0)) / latencies.length,
    p50: at(0.5),
    p99: at(0.99),
    perRequest: (1000 * cpu) / latencies.length,
    share: (100 * cpu) / (performance.now() - begun),
  };
}

/** A process that computes until it is killed, or half an hour. */
function computer() {
  const program = 'const end = Date.now() + 1_800_000; while (Date.now() < end);';
  const child = spawn(process.execPath, ['-e', program], { stdio: 'ignore' });
  process.on('exit', () => child.kill());
  child.unref();
}

if (values.computing) for (let i = 0; i < availableParallelism(); i++) computer();
const sides = [];
for (const kind of ['tcp', 'tcp-asleep']) {
  const end = await far(kind);
  const session = await dial(kind, end.address);
  sides.push({ kind, end, session, channel: session.open() });
}
for (const side of sides) await measure(side, 0, ask);
console.log(
  '| ms between | | mean µs | p50 µs | p99 µs | processor µs each | processor % of one |\n|---:|---|---:|---:|---:|---:|---:|',
);
const rows = [
  ...paces.map((paceMs) => ({ paceMs, say: ask, what: 'requests' })),
  ...(values.computing ? [] : [{ paceMs: 1, say: tell, what: 'events' }]),
];
for (const { paceMs, say, what } of rows) {
  const results = sides.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [i, side] of sides.entries()) {
      // Both begin as sessions that have polled, or could have.
      for (let n = 0; n < 100; n++) await ask(side.channel);
      results[i].push(await measure(side, paceMs, say));
    }
  }
  for (const [i, { kind }] of sides.entries()) {
    const of = (name) => median(results[i].map((result) => result[name])).toFixed(0);
    const latency = ['mean', 'p50', 'p99'].map((part) => (say === ask ? of(part) : '–')).join(' | ');
    const name = `${what}, ${kind === 'tcp' ? 'polling' : 'asleep'}`;
    console.log(`| ${paceMs} | ${name} | ${latency} | ${of('perRequest')} | ${of('share')} |`);
  }
}
for (const { session, end, channel } of sides) {
  channel.close();
  await session.close();
  await end.close();
}
