// What a request costs each process, directly and through a relay: processor time, reads, writes and sleeps a request, as Linux
// counts them for the process that asks (asks), the relay and the one that answers.
//   node bench/channel/relay-cost.mjs [--in-flight 64] [--count 40000] [--rounds 10]
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { median, processorTime } from './common.mjs';
import { dial } from './dial.mjs';
import { far } from './far.mjs';
import * as probes from './probes.mjs';

const text = (value) => ({ type: 'string', default: value });
const { values } = parseArgs({ options: { 'in-flight': text('64'), count: text('40000'), rounds: text('10') } });
const [inFlight, count, rounds] = ['in-flight', 'count', 'rounds'].map((name) => Number(values[name]));

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
const totals = { direct: {}, relay: {} };
for (let round = -2; round < rounds; round++) {
  for (const [way, session] of Object.entries(sessions)) {
    const before = Object.values(processes).map(used);
    const rate = await probes.requests(session, inFlight, count);
    if (round < 0) continue;
    rates[way].push(rate);
    for (const [i, [name, pid]] of Object.entries(processes).entries()) {
      const sums = (totals[way][name] ??= [0, 0, 0, 0, 0]);
      for (const [k, value] of used(pid).entries()) sums[k] += value - before[i][k];
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
const k = (rate) => `${(rate / 1000).toFixed(0)} k`;
console.log(
  `direct ${k(median(rates.direct))}, relay ${k(median(rates.relay))} per s, by turns ${median(ratios).toFixed(2)}`,
);
for (const closing of [...Object.values(sessions), between, end]) await closing.close();
