// What is compared with one another, measured by turns: on a machine whose speed swings, two figures that were taken a minute
// apart say nothing about each other.
//   node bench/channel/ratios.mjs [--rounds 15]
import { median } from './common.mjs';
import { dial } from './dial.mjs';
import { far } from './far.mjs';
import * as probes from './probes.mjs';

const MiB = 2 ** 20;

/** Each ratio's median over `rounds`, with its quartiles: `[{name, ratio, low, high, wanted}]`. */
export async function measureRatios(rounds, scale = 1) {
  const n = (count) => Math.ceil(count * scale);
  const [bare, end] = [await far('bare'), await far('tcp')];
  const between = await far('relay-tcp', end.address);
  const [tcp, relay] = [await dial('tcp', end.address), await dial('tcp', between.address)];
  const oneWay = {
    bare: () => probes.bareOneWay(bare.address, n(100_000)),
    tcp: () => probes.oneWay(tcp, n(100_000)),
    relay: () => probes.oneWay(relay, n(100_000)),
  };
  const record = {
    bare: () => probes.bareOneWayRecord(bare.address, n(60_000)),
    tcp: () => probes.oneWayRecord(tcp, n(60_000)),
  };
  const oneAtATime = {
    bare: () => probes.barePingPong(bare.address, n(4000)),
    tcp: () => probes.requests(tcp, 1, n(4000)),
  };
  const many = {
    tcp: () => probes.requests(tcp, 64, n(30_000)),
    relay: () => probes.requests(relay, 64, n(30_000)),
  };
  const stream = {
    bare: () => probes.bareStream(bare.address, n(256) * MiB),
    tcp: () => probes.stream(tcp, n(256) * MiB),
    relay: () => probes.stream(relay, n(256) * MiB),
  };
  const pairs = [
    ['one way, TCP : bare batched', oneWay.tcp, oneWay.bare, 0.6],
    ['one way of a record, TCP : bare batched', record.tcp, record.bare, 0.6],
    ['nested requests, TCP, 1 in flight : bare ping-pong', oneAtATime.tcp, oneAtATime.bare, 0.8],
    ['through a relay, one way : direct', oneWay.relay, oneWay.tcp, 0.5],
    ['through a relay, 64 in flight : direct', many.relay, many.tcp, 0.5],
    ['byte stream, TCP : bare', stream.tcp, stream.bare, 0.8],
    ['byte stream, relay : bare', stream.relay, stream.bare, 0.35],
  ];
  const results = [];
  for (const [name, ours, other, wanted] of pairs) {
    // Compiled, connected and grown before it counts.
    for (let i = 0; i < 2; i++) await other(await ours());
    const ratios = [];
    for (let round = 0; round < rounds; round++) {
      const first = round % 2 === 0 ? await ours() : await other();
      const second = round % 2 === 0 ? await other() : await ours();
      ratios.push(round % 2 === 0 ? first / second : second / first);
    }
    ratios.sort((a, b) => a - b);
    const [low, high] = [ratios[Math.floor(rounds / 4)], ratios[Math.floor((3 * rounds) / 4)]];
    results.push({ name, ratio: median(ratios), low, high, wanted });
  }
  for (const closing of [tcp, relay, between, end, bare]) await closing.close();
  return results;
}

/** Prints what {@link measureRatios} answered; answers how many are missed. */
export function printRatios(results) {
  console.log('\n| two processes, measured by turns | median | quartiles | wanted | |\n|---|---:|---:|---:|---|');
  for (const { name, ratio, low, high, wanted } of results) {
    const [r, l, h] = [ratio, low, high].map((value) => value.toFixed(2));
    console.log(`| ${name} | ${r} | ${l}–${h} | ≥ ${wanted.toFixed(2)} | ${ratio >= wanted ? 'met' : '**missed**'} |`);
  }
  return results.filter(({ ratio, wanted }) => ratio < wanted).length;
}

if (process.argv[1] === import.meta.filename) {
  const rounds = Number(process.argv[process.argv.indexOf('--rounds') + 1]) || 15;
  process.exitCode = printRatios(await measureRatios(rounds)) > 0 ? 1 : 0;
}
