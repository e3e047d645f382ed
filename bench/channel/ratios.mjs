// What is compared with one another, measured by turns: on a machine whose speed swings, two figures that were taken a minute
// apart say nothing about each other.
//   node bench/channel/ratios.mjs [--rounds 15]
import { median } from './common.mjs';
import { dial } from './dial.mjs';
import { far } from './far.mjs';
import * as probes from './probes.mjs';

const MiB = 2 ** 20;

/** Each ratio's median over `rounds`, with its quartiles and the medians of both rates: `[{name, rate, other, ratio, low, high, wanted}]`. */
export async function measureRatios(rounds, scale = 1) {
  const n = (count) => Math.ceil(count * scale);
  const [bare, end, sleeper] = [await far('bare'), await far('tcp'), await far('tcp-asleep')];
  const proxy = await far('bare-proxy', bare.address);
  const between = await far('relay-tcp', end.address);
  const [tcp, relay] = [await dial('tcp', end.address), await dial('tcp', between.address)];
  const betweenAsleep = await far('relay-tcp-asleep', sleeper.address);
  const [asleep, relayAsleep] = [
    await dial('tcp-asleep', sleeper.address),
    await dial('tcp-asleep', betweenAsleep.address),
  ];
  const oneWay = {
    bare: () => probes.bareOneWay(bare.address, n(100_000)),
    proxy: () => probes.bareOneWay(proxy.address, n(100_000)),
    tcp: () => probes.oneWay(tcp, n(100_000)),
    relay: () => probes.oneWay(relay, n(100_000)),
  };
  const record = {
    bare: () => probes.bareOneWayRecord(bare.address, n(60_000)),
    tcp: () => probes.oneWayRecord(tcp, n(60_000)),
  };
  const oneAtATime = {
    bare: () => probes.barePingPong(bare.address, n(4000)),
    proxy: () => probes.barePingPong(proxy.address, n(4000)),
    tcp: () => probes.requests(tcp, 1, n(4000)),
    asleep: () => probes.requests(asleep, 1, n(4000)),
    relay: () => probes.requests(relay, 1, n(4000)),
    relayAsleep: () => probes.requests(relayAsleep, 1, n(4000)),
  };
  const many = {
    bare: () => probes.barePingPong(bare.address, n(60_000), 64),
    proxy: () => probes.barePingPong(proxy.address, n(60_000), 64),
    tcp: () => probes.requests(tcp, 64, n(30_000)),
    relay: () => probes.requests(relay, 64, n(30_000)),
  };
  const thousand = {
    tcp: () => probes.requests(tcp, 1000, n(30_000)),
    relay: () => probes.requests(relay, 1000, n(30_000)),
  };
  const stream = {
    bare: () => probes.bareStream(bare.address, n(256) * MiB),
    proxy: () => probes.bareStream(proxy.address, n(256) * MiB),
    tcp: () => probes.stream(tcp, n(256) * MiB),
    relay: () => probes.stream(relay, n(256) * MiB),
  };
  const pairs = [
    ['byte stream, TCP : bare', stream.tcp, stream.bare, 0.8],
    ['byte stream, relay : bare', stream.relay, stream.bare, 0.35],
    ['one way, TCP : bare batched', oneWay.tcp, oneWay.bare, 0.6],
    ['one way of a record, TCP : bare batched', record.tcp, record.bare, 0.6],
    ['nested requests, TCP, 1 in flight : bare ping-pong', oneAtATime.tcp, oneAtATime.bare, 0.8],
    ['the same with `busyPollMs: 0` : bare ping-pong', oneAtATime.asleep, oneAtATime.bare],
    ['nested requests through a relay, 1 in flight : bare ping-pong', oneAtATime.relay, oneAtATime.bare],
    ['through a relay, one way : direct', oneWay.relay, oneWay.tcp, 0.5],
    ['through a relay, 1 in flight : direct', oneAtATime.relay, oneAtATime.tcp, 0.5],
    ['the same with `busyPollMs: 0` everywhere', oneAtATime.relayAsleep, oneAtATime.asleep],
    ['through a relay, 64 in flight : direct', many.relay, many.tcp, 0.5],
    ['through a relay, 1,000 in flight : direct', thousand.relay, thousand.tcp, 0.5],
    ['bare sockets through a plain proxy, one way : bare batched', oneWay.proxy, oneWay.bare],
    ['bare sockets through a plain proxy, ping-pong : bare ping-pong', oneAtATime.proxy, oneAtATime.bare],
    ['bare sockets through a plain proxy, 64 pings in flight : bare', many.proxy, many.bare],
    ['bare sockets through a plain proxy, byte stream : bare', stream.proxy, stream.bare],
    ['a relay, 1 in flight : bare ping-pong through a plain proxy', oneAtATime.relay, oneAtATime.proxy],
    ['a relay, byte stream : bare through a plain proxy', stream.relay, stream.proxy],
  ];
  const results = [];
  for (const [name, ours, other, wanted] of pairs) {
    // Compiled, connected and grown before it counts.
    for (let i = 0; i < 2; i++) await other(await ours());
    const [rates, others] = [[], []];
    for (let round = 0; round < rounds; round++) {
      if (round % 2 === 0) rates.push(await ours());
      others.push(await other());
      if (round % 2 === 1) rates.push(await ours());
    }
    const ratios = rates.map((rate, round) => rate / others[round]).sort((a, b) => a - b);
    const [low, high] = [ratios[Math.floor(rounds / 4)], ratios[Math.floor((3 * rounds) / 4)]];
    results.push({ name, rate: median(rates), other: median(others), ratio: median(ratios), low, high, wanted });
  }
  for (const closing of [tcp, relay, asleep, relayAsleep, between, betweenAsleep, end, sleeper, proxy, bare])
    await closing.close();
  return results;
}

/** Prints what {@link measureRatios} answered; answers how many are missed. */
export function printRatios(results) {
  console.log(
    '\n| two processes, measured by turns | ours per s | other per s | median ratio | quartiles | wanted | |\n|---|---:|---:|---:|---:|---:|---|',
  );
  for (const { name, rate, other, ratio, low, high, wanted } of results) {
    const [r, l, h] = [ratio, low, high].map((value) => value.toFixed(2));
    const verdict =
      wanted === undefined ? '– | ' : `≥ ${wanted.toFixed(2)} | ${ratio >= wanted ? 'met' : '**missed**'}`;
    console.log(`| ${name} | ${rounded(rate)} | ${rounded(other)} | ${r} | ${l}–${h} | ${verdict} |`);
  }
  return results.filter(({ ratio, wanted }) => ratio < wanted).length;
}

/** Three digits, of bytes in MiB. */
function rounded(rate) {
  const [scaled, unit] = rate > 1e8 ? [rate / MiB, ' MiB'] : [rate / 1000, ' k'];
  return `${scaled < 100 ? scaled.toPrecision(3) : scaled.toFixed(0)}${unit}`;
}

if (process.argv[1] === import.meta.filename) {
  const rounds = Number(process.argv[process.argv.indexOf('--rounds') + 1]) || 15;
  process.exitCode = printRatios(await measureRatios(rounds)) > 0 ? 1 : 0;
}
