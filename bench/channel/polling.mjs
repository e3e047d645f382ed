// What busy polling brings and costs: one request at a time over TCP between two processes, at several paces, with it on both
// sides and on neither. Processor time is that of both processes, and includes what the pacing itself takes.
//   node bench/channel/polling.mjs [--seconds 2] [--rounds 3]
import { parseArgs } from 'node:util';
import { readFileSync } from 'node:fs';
import { median, message } from './common.mjs';
import { dial } from './dial.mjs';
import { far } from './far.mjs';

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '2' }, rounds: { type: 'string', default: '3' } },
});
const [forMs, rounds] = [1000 * Number(values.seconds), Number(values.rounds)];
/** Milliseconds between an answer and the next request. */
const paces = [0, 1, 5, 20];

/** Processor time so far, milliseconds; of another process in the ticks of 10 ms that Linux counts. */
function cpuMs(pid) {
  if (pid === process.pid) {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  }
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1).split(' ');
  return 10 * (Number(fields[11]) + Number(fields[12]));
}

async function measure({ end, channel }, paceMs) {
  const latencies = [];
  const used = () => cpuMs(process.pid) + cpuMs(end.pid);
  const [begun, before] = [performance.now(), used()];
  let now = begun;
  while (now < begun + forMs) {
    const answer = await channel.send(message, { returns: true });
    await answer.receive();
    // To the end, so that the channel leaves both tables.
    await answer.receive();
    latencies.push(performance.now() - now);
    if (paceMs > 0) await new Promise((resolve) => setTimeout(resolve, paceMs));
    now = performance.now();
  }
  latencies.sort((a, b) => a - b);
  const at = (part) => 1000 * latencies[Math.floor(part * latencies.length)];
  const cpu = used() - before;
  return {
    p50: at(0.5),
    p99: at(0.99),
    perRequest: (1000 * cpu) / latencies.length,
    share: (100 * cpu) / (performance.now() - begun),
  };
}

const sides = [];
for (const kind of ['tcp', 'tcp-asleep']) {
  const end = await far(kind);
  const session = await dial(kind, end.address);
  sides.push({ kind, end, session, channel: session.open() });
}
for (const side of sides) await measure(side, 0);
console.log(
  '| ms between requests | | p50 µs | p99 µs | processor µs a request | processor % of one |\n|---:|---|---:|---:|---:|---:|',
);
for (const paceMs of paces) {
  const results = sides.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [i, side] of sides.entries()) results[i].push(await measure(side, paceMs));
  }
  for (const [i, { kind }] of sides.entries()) {
    const of = (name) => median(results[i].map((result) => result[name])).toFixed(0);
    const name = kind === 'tcp' ? 'polling' : 'asleep';
    console.log(`| ${paceMs} | ${name} | ${of('p50')} | ${of('p99')} | ${of('perRequest')} | ${of('share')} |`);
  }
}
for (const { session, end, channel } of sides) {
  channel.close();
  await session.close();
  await end.close();
}
