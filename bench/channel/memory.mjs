// What an idle channel and an idle session cost in memory (heap after a collection, and the other process's resident memory), and
// whether 100,000 channels leave anything:
//   node --expose-gc bench/channel/memory.mjs [TIMES]
import { readFileSync } from 'node:fs';
import { heapBytes } from './common.mjs';
import { dial } from './dial.mjs';
import { far } from './far.mjs';

if (globalThis.gc === undefined) throw new Error('run with node --expose-gc');

const residentBytes = (pid) => 1024 * Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);
const kib = (bytes) => `${(bytes / 1024).toFixed(2)} KiB`;

async function answered(sender, value = 'ping') {
  const back = await sender.send(value, { returns: true });
  return (await back.receive()).value;
}

const other = await far('tcp');
const session = await dial('tcp', other.address);
const control = session.open();

/** Bytes of heap here and there, and of memory there. */
const bytes = async () => [heapBytes(), await answered(control, { heap: true }), residentBytes(other.pid)];

/** What there is more than `before`, each for so many. */
async function more(before, count = 1) {
  const [here, there, resident] = (await bytes()).map((now, i) => kib((now - before[i]) / count));
  return `${here} here, ${there} there (memory ${resident})`;
}

for (let i = 0; i < 2000; i++) {
  const sender = session.open();
  await answered(sender);
  sender.close();
  await sender.closed;
}

const channels = 10_000;
let before = await bytes();
const open = [];
for (let i = 0; i < channels; i++) {
  const sender = session.open();
  await answered(sender);
  open.push(sender);
}
console.log(`idle channel: ${await more(before, channels)}`);
for (const sender of open.splice(0)) {
  sender.close();
  await sender.closed;
}

// The first times what is compiled meanwhile stays, too.
const times = Number(process.argv[2] ?? 4);
before = await bytes();
for (let time = 1; time <= times; time++) {
  for (let i = 0; i < 100_000; i++) {
    const sender = session.open();
    await answered(sender);
    sender.close();
    await sender.closed;
  }
  const table = session.stats.channels - 1;
  const count = (100_000 * time).toLocaleString('en');
  console.log(`${count} channels opened and closed: ${await more(before)}, table ${table}`);
}

const sessions = 1000;
before = await bytes();
const idle = [];
for (let i = 0; i < sessions; i++) idle.push(await dial('tcp', other.address));
console.log(`idle session over TCP: ${await more(before, sessions)}`);
await Promise.all(idle.map((one) => one.close()));
control.close();
await session.close();
await other.close();
