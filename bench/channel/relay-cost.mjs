// What a request costs each process, directly and through a relay: processor time, reads, writes and sleeps a request, as Linux
// counts them for the process that asks (asks), the relay and the one that answers.
//   node bench/channel/relay-cost.mjs [--in-flight 64] [--count 40000] [--rounds 10]
// or what a MiB of a byte stream does, `--count` MiB a round, the rounds in a row too: the collector has more than one way to go
//   node bench/channel/relay-cost.mjs --stream [--count 512] [--rounds 10]
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { median, processorTime } from './common.mjs';
import { dial } from './dial.mjs';
import { far } from './far.mjs';
import * as probes from './probes.mjs';

const text = (value) => ({ type: 'string', default: value });
const { values } = parseArgs({
  options: {
    'in-flight': text('64'),
    count: { type: 'string' },
    rounds: text('10'),
    stream: { type: 'boolean', default: false },
  },
});
const { stream } = values;
const [inFlight, rounds] = ['in-flight', 'rounds'].map((name) => Number(values[name]));
const count = Number(values.count ?? (stream ? 512 : 40_000));

const end = await far('tcp');
const between = await far('relay-tcp', end.address);
const sessions = { direct: await dial('tcp', end.address), relay: await dial('tcp', between.address) };
const processes = { asks: process.pid, relay: between.pid, answers: end.pid };

/** So far: processor time in microseconds (user, system), system calls that read and write, times asleep. */
function used(pid) {
  const field = (file, name) =>
    Number(new RegExp(`^${name}:\\s*(\\d+)`, 'm').exec(readFileSync(`/proc/${pid}/${file}`, 'utf8'))[1]);
  return [
    ...processorTime(pid),
    field('io', 'syscr'),
    field('io', 'syscw'),
    field('status', 'voluntary_ctxt_switches'),
  ];
}

const rates = { direct: [], relay: [] };
/** Of the relay, of each of its rounds. */
const relayed = [];
const totals = { direct: {}, relay: {} };
for (let round = -2; round < rounds; round++) {
  for (const [way, session] of Object.entries(sessions)) {
    const before = Object.values(processes).map(used);
    const rate = await (stream ? probes.stream(session, count * 2 ** 20) : probes.requests(session, inFlight, count));
    if (round < 0) continue;
    rates[way].push(rate);
    for (const [i, [name, pid]] of Object.entries(processes).entries()) {
      const sums = (totals[way][name] ??= [0, 0, 0, 0, 0]);
      const spent = used(pid).map((value, k) => value - before[i][k]);
      for (const [k, value] of spent.entries()) sums[k] += value;
      if (way === 'relay' && name === 'relay') relayed.push(spent[0] / count);
    }
  }
}
console.log('| | process | user µs | system µs | reads | writes | sleeps |\n|---|---|---:|---:|---:|---:|---:|');
for (const [way, names] of Object.entries(totals)) {
  for (const [name, sums] of Object.entries(names)) {
    if (way === 'direct' && name === 'relay') continue;
    const each = sums.map((sum, k) => (sum / count / rounds).toFixed(k < 2 ? 2 : 3));
    console.log(`| ${way} | ${name} | ${each.join(' | ')} |`);
  }
}
const ratios = rates.relay.map((rate, i) => rate / rates.direct[i]);
const k = (rate) => (stream ? `${(rate / 2 ** 20).toFixed(0)} MiB` : `${(rate / 1000).toFixed(0)} k`);
if (stream) console.log(`user µs of the relay, round by round: ${relayed.map((each) => each.toFixed(0)).join(', ')}`);
console.log(
  `direct ${k(median(rates.direct))}, relay ${k(median(rates.relay))} per s, by turns ${median(ratios).toFixed(2)}`,
);
for (const closing of [...Object.values(sessions), between, end]) await closing.close();
