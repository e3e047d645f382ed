// What a cluster of three daemons on this machine does, next to the bare floor of the same run.
//   node bench/cluster/run.mjs [--processes 10000]
import { execFileSync, spawnSync } from 'node:child_process';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { testCluster } from 'circuit/testing';
import { median } from '../channel/common.mjs';
import { far } from '../channel/far.mjs';
import * as probes from '../channel/probes.mjs';

const processes = Number(process.argv[process.argv.indexOf('--processes') + 1]) || 1000;
const MiB = 2 ** 20;
const rows = [];
const row = (what, value, goal = '', met = undefined) => rows.push({ what, value, goal, met });
const seconds = (from) => (performance.now() - from) / 1000;
const rate = (number) => `${number >= 10_000 ? `${(number / 1000).toFixed(1)} k` : number.toFixed(0)}/s`;

const command = fileURLToPath(new URL('../../packages/circuit/bin/circuit.js', import.meta.url));
const bare = await far('bare');
const pingPong = await probes.barePingPong(bare.address, 20_000);
const bareBytes = (await probes.bareStream(bare.address, 512 * MiB)) / MiB;
await bare.close();
const tls = await far('tls');
const tlsSession = await (await import('../channel/dial.mjs')).dial('tls', tls.address);
const tlsBytes = (await probes.stream(tlsSession, 512 * MiB)) / MiB;
await tlsSession.close();
await tls.close();
row('bare TCP ping-pong, 100 B', rate(pingPong));
row('bare TCP bytes', `${bareBytes.toFixed(0)} MiB/s`);
row('one session over TLS, bytes', `${tlsBytes.toFixed(0)} MiB/s`);

const cluster = await testCluster({ nodes: 3 });
try {
  const client = await cluster.connect();
  const second = await cluster.connect();
  const own = client.walk((await client.servers()).find((member) => member.addr === cluster.addr).id);
  const other = client.walk((await client.servers()).find((member) => member.addr !== cluster.addr).id);

  for (const [name, anchor, times] of [
    ['the dialled server', own, 1.5],
    ['another server', other, 3],
  ]) {
    await repeat(500, () => anchor.peek());
    const start = performance.now();
    await repeat(3000, () => anchor.peek());
    const perSecond = 3000 / seconds(start);
    const ratio = pingPong / perSecond;
    row(
      `round trip (peek) to ${name}`,
      `${rate(perSecond)}, ${ratio.toFixed(2)} × ping-pong`,
      `≤ ${times} ×`,
      ratio <= times,
    );
  }

  const body = new Uint8Array(100);
  for (const [inFlight, count, goal] of [
    [1, 5000, 4000],
    [64, 60_000, 50_000],
  ]) {
    const chan = await own.walk(`chan-${inFlight}`).makeChan(inFlight === 1 ? 0 : 1000);
    const receiving = second.walk(chan.path).chan();
    const run = async (total) => {
      let sent = 0;
      let received = 0;
      const send = async () => {
        while (sent++ < total) await chan.send(body);
      };
      const receive = async () => {
        while (received++ < total) await receiving.recv();
      };
      const start = performance.now();
      await Promise.all([...workers(inFlight, send), ...workers(inFlight, receive)]);
      return total / seconds(start);
    };
    await run(count / 10);
    const perSecond = await run(count);
    row(`channel element, 100 B, ${inFlight} in flight`, rate(perSecond), `≥ ${goal / 1000} k/s`, perSecond >= goal);
    await chan.scrub();
  }

  for (const [name, anchor, share] of [
    ['direct', own, 0.35],
    ['through a relay', other, 0.25],
  ]) {
    const chan = await anchor.walk('big').makeChan(0);
    const message = new Uint8Array(64 * MiB);
    const times = [];
    for (let i = 0; i < 3; i++) {
      const start = performance.now();
      await Promise.all([chan.send(message), drain(await second.walk(chan.path).chan().openRecv())]);
      times.push(64 / seconds(start));
    }
    bulk(`one message of 64 MiB, ${name}`, median(times), share);
    await chan.scrub();
  }

  for (const [name, anchor, share] of [
    ['direct', own, 0.35],
    ['through a relay', other, 0.25],
  ]) {
    const times = [];
    for (let i = 0; i < 3; i++) {
      const path = `output-${i}`;
      const start = performance.now();
      const proc = await anchor
        .walk(path)
        .makeProc({ path: '/usr/bin/head', args: ['-c', String(256 * MiB), '/dev/zero'] });
      let bytes = 0;
      for await (const chunk of proc.stdout) bytes += chunk.length;
      if (bytes !== 256 * MiB) throw new Error(`${bytes} bytes of output`);
      times.push(256 / seconds(start));
      await proc.scrub();
    }
    bulk(`output of a process, 256 MiB, ${name}`, median(times), share);
  }

  const trues = [];
  for (let i = 0; i < 200; i++) {
    const start = performance.now();
    const proc = await own.walk('true').makeProc({ path: '/bin/true' });
    await proc.wait();
    trues.push(performance.now() - start);
    await proc.scrub();
  }
  row('start + wait of /bin/true', `${median(trues).toFixed(1)} ms`, '≤ 4 ms', median(trues) <= 4);

  let next = 0;
  let lost = 0;
  const start = performance.now();
  await Promise.all(
    workers(16, async () => {
      for (let i = next++; i < processes; i = next++) {
        const anchor = i % 2 === 0 ? own : other;
        const proc = await anchor.walk(`line-${i}`).makeProc({ path: '/bin/sh', args: ['-c', `echo line ${i}`] });
        const [text, state] = await Promise.all([proc.stdout.text(), proc.wait()]);
        if (text !== `line ${i}\n` || state.ExitCode !== 0) lost++;
        await proc.scrub();
      }
    }),
  );
  row(
    `${processes} processes that print one line and end`,
    `${(processes / seconds(start)).toFixed(0)}/s, ${lost} lines lost`,
    '0 lost',
    lost === 0,
  );

  const floor = [];
  const ls = [];
  const env = { ...process.env, CIRCUIT_HMAC: cluster.keyFile };
  const address = cluster.addr;
  for (let i = 0; i < 15; i++) {
    floor.push(timed(['-e', '0'], env));
    ls.push(timed([command, 'ls', '-d', address, '/'], env));
  }
  const above = median(ls) - median(floor);
  row(
    'circuit ls over TLS, above node -e 0',
    `${median(ls).toFixed(0)} − ${median(floor).toFixed(0)} = ${above.toFixed(0)} ms`,
    '≤ 30 ms over the local socket',
    above <= 30,
  );

  const rss = (pid) => Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' })) / 1024;
  const daemon = rss(cluster.servers[0].pid);
  row('memory of a daemon after all this', `${daemon.toFixed(0)} MiB`, '≤ 75 MB', daemon <= 75);
  await client.close();
  await second.close();
} finally {
  await cluster.close();
}

console.log(
  `\n${new Date().toISOString().slice(0, 10)}, Node ${process.version}, ${cpus().length} × ${cpus()[0].model.trim()}\n`,
);
console.log('| | measured | goal | |\n|---|---:|---:|---|');
for (const { what, value, goal, met } of rows) {
  console.log(`| ${what} | ${value} | ${goal} | ${met === undefined ? '' : met ? 'met' : '**missed**'} |`);
}
process.exitCode = rows.some(({ met }) => met === false) ? 1 : 0;

function bulk(what, perSecond, share) {
  const ratio = perSecond / tlsBytes;
  row(
    what,
    `${perSecond.toFixed(0)} MiB/s, ${ratio.toFixed(2)} × TLS`,
    `≥ ${share} × and ≥ 250 MiB/s`,
    ratio >= share && perSecond >= 250,
  );
}

async function repeat(count, run) {
  for (let i = 0; i < count; i++) await run();
}

function workers(count, run) {
  return Array.from({ length: count }, run);
}

async function drain(message) {
  for await (const _ of message) {
    // The bytes are read and dropped.
  }
}

function timed(args, env) {
  const start = performance.now();
  const { status, stderr } = spawnSync(process.execPath, args, { env, encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return performance.now() - start;
}
