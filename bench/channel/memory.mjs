// What an idle channel and an idle session cost in memory (heap after a collection, and the other process's resident memory), and
// whether 100,000 channels leave anything, half of them opened by either side, with messages, and channels in messages, over each:
//   node --expose-gc bench/channel/memory.mjs [TIMES]
// Ends with 1 if the heap of either process grows by more than 1 MiB behind the first 100,000, or a table holds any of them.
import { readFileSync } from 'node:fs';
import { heapBytes } from './common.mjs';
import { dial } from './dial.mjs';
import { far } from './far.mjs';
import { tablesAreEmpty, turnOver } from './nested.mjs';
import { ask } from './probes.mjs';
import { serveSession } from './serve.mjs';

if (globalThis.gc === undefined) throw new Error('run with node --expose-gc');

const residentBytes = (pid) => 1024 * Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);
const kib = (bytes) => `${(bytes / 1024).toFixed(2)} KiB`;

const other = await far('tcp');
const session = await dial('tcp', other.address);
void serveSession(session);
const control = session.open();

/** Bytes of heap here and there, and of memory there. */
const bytes = async () => [heapBytes(), await ask(control, { want: 'heap' }), residentBytes(other.pid)];

/** What there is more than `before`. */
const growth = async (before) => (await bytes()).map((now, i) => now - before[i]);

/** As text, each for so many. */
function shown(grown, count = 1) {
  const [here, there, resident] = grown.map((one) => kib(one / count));
  return `${here} here, ${there} there (memory ${resident})`;
}

/** Half by either side, at the same time. */
const turnOverBoth = (channels) =>
  Promise.all([turnOver(session, channels / 2), ask(control, { want: 'turnover', channels: channels / 2 })]);

await turnOverBoth(2000);
const channels = 10_000;
const empty = await bytes();
const open = [];
for (let i = 0; i < channels; i++) {
  const sender = session.open();
  await ask(sender, 'ping');
  open.push(sender);
}
console.log(`idle channel: ${shown(await growth(empty), channels)}`);
for (const sender of open.splice(0)) {
  sender.close();
  await sender.closed;
}

/**
 * What the heap of either process may grow by behind the first 100,000. Over 300,000 more it is 60 to 140 KiB, and was 400 for a moment; with
 * one number kept for each entry of the table it is 10 MiB.
 */
const maxGrowthBytes = 1_048_576;
// What is compiled behind the first 100,000 stays, too, and less each time.
const times = Number(process.argv[2] ?? 4);
let before = await bytes();
let first;
let last;
for (let time = 1; time <= times; time++) {
  await turnOverBoth(100_000);
  await tablesAreEmpty(session, control);
  last = await growth(before);
  first ??= last;
  const count = (100_000 * time).toLocaleString('en');
  console.log(`${count} channels opened and closed: ${shown(last)}, tables empty`);
}
const [here, there] = last.map((grown, i) => grown - first[i]);
const grows = Math.max(here, there) > maxGrowthBytes;
console.log(
  `behind the first 100,000: ${kib(here)} here, ${kib(there)} there, at most ${kib(maxGrowthBytes)}${grows ? ': GROWS' : ''}`,
);
if (grows) process.exitCode = 1;

const sessions = 1000;
before = await bytes();
const idle = [];
for (let i = 0; i < sessions; i++) idle.push(await dial('tcp', other.address));
console.log(`idle session over TCP: ${shown(await growth(before), sessions)}`);
await Promise.all(idle.map((one) => one.close()));
control.close();
await session.close();
await other.close();
