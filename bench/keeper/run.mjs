// node bench/keeper/run.mjs [processes]  (after `npm run build`): figures of one run, ours beside the bare machine.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger, systemClock } from '@circuit/base';
import { openKeeperSet } from '@circuit/keeper/client';
import { bundleKeeper } from '../../packages/keeper/bundle.mjs';

const processes = Number(process.argv[2] ?? 10_000);
const folder = mkdtempSync(join(tmpdir(), 'ck-bench-'));
const bundlePath = await bundleKeeper(join(folder, 'keeper.mjs'));
const set = await openKeeperSet(folder, { clock: systemClock, logger: silentLogger, bundlePath });
let failed = false;

const lap = async (work) => {
  const started = performance.now();
  await work();
  return performance.now() - started;
};
const start = async (path, args, more = {}) => {
  const result = await set.start({ path, args, ...more });
  if (!result.ok) throw new Error(result.message);
  return result.process.id;
};
const keeperPid = () => JSON.parse(readFileSync(join(folder, 'keepers/1/keeper.json'), 'utf8')).pid;
const rss = (pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
const bare = (path, args) => new Promise((resolve) => spawn(path, args, { stdio: 'ignore' }).once('exit', resolve));
const quantile = (times, q) => times.sort((a, b) => a - b)[Math.floor(times.length * q)].toFixed(2);

try {
  console.log(`first start, keeper included: ${(await lap(() => start('/bin/true', []))).toFixed(0)} ms`);
  console.log(`RSS of the idle keeper: ${rss(keeperPid()).toFixed(1)} MB`);

  const times = [];
  const bareTimes = [];
  for (let i = 0; i < 300; i += 1) {
    bareTimes.push(await lap(() => bare('/bin/true', [])));
    times.push(
      await lap(async () => {
        await set.wait(await start('/bin/true', []));
      }),
    );
  }
  console.log(`start + wait of /bin/true: p50 ${quantile(times, 0.5)} ms, p95 ${quantile(times, 0.95)} ms`);
  console.log(`  bare spawn + exit: p50 ${quantile(bareTimes, 0.5)} ms, p95 ${quantile(bareTimes, 0.95)} ms`);

  let lost = 0;
  let next = 0;
  const worker = async () => {
    while (next < processes) {
      const line = `line ${next++}`;
      const id = await start('/bin/echo', [line]);
      let text = '';
      for await (const item of set.openOutput(id, 'stdout')) text += item.kind === 'data' ? item.bytes : '';
      const { exit } = await set.wait(id);
      if (text !== `${line}\n` || exit?.kind !== 'exited' || exit.code !== 0) lost += 1;
      await set.forget(id);
    }
  };
  const many = await lap(() => Promise.all(Array.from({ length: 8 }, worker)));
  console.log(
    `${processes} processes of one line, 8 at a time: ${((processes / many) * 1000).toFixed(0)}/s, ${lost} lost`,
  );
  if (lost > 0) failed = true;
  console.log(`RSS of the keeper afterwards: ${rss(keeperPid()).toFixed(1)} MB`);

  for (const mode of ['log', 'pipe']) {
    const total = 1_073_741_824;
    let read = 0;
    const id = await start('/bin/sh', ['-c', `head -c ${total} /dev/zero`], { mode });
    const ms = await lap(async () => {
      for await (const item of set.openOutput(id, 'stdout')) {
        if (item.kind === 'data') read += item.bytes.length;
        else failed = true;
      }
    });
    if (read !== total) failed = true;
    console.log(
      `1 GiB in mode ${mode}: ${(1024 / (ms / 1000)).toFixed(0)} MiB/s, keeper ${rss(keeperPid()).toFixed(1)} MB`,
    );
    await set.forget(id);
  }

  const wakes = [];
  const id = await start('/bin/cat', []);
  const stdin = await set.openStdin(id);
  const reader = set.openOutput(id, 'stdout');
  for (let i = 0; i < 500; i += 1) {
    wakes.push(
      await lap(async () => {
        await stdin.write(Buffer.from('ping\n'));
        await reader.read();
      }),
    );
  }
  await stdin.close();
  await reader.close();
  console.log(`line in → line out through cat: p50 ${quantile(wakes, 0.5)} ms, p99 ${quantile(wakes, 0.99)} ms`);
} finally {
  await set.shutdown();
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = failed ? 1 : 0;
