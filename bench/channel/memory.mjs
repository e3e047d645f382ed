// What an idle channel and an idle session cost in memory, both sides together, and whether 100,000 channels leave anything:
//   node --expose-gc bench/channel/memory.mjs
import { readFileSync } from 'node:fs';
import { dial } from './dial.mjs';
import { far } from './far.mjs';

if (globalThis.gc === undefined) throw new Error('run with node --expose-gc');

const residentBytes = (pid) => 1024 * Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);
const heapBytes = () => {
  // What is finalized by the first is freed by the second.
  gc();
  gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
};
const kib = (bytes) => `${(bytes / 1024).toFixed(2)} KiB`;

async function answered(sender) {
  const back = await sender.send('ping', { returns: true });
  await back.receive();
}

const other = await far('tcp');
const session = await dial('tcp', other.address);
for (let i = 0; i < 2000; i++) {
  const sender = session.open();
  await answered(sender);
  sender.close();
  await sender.closed;
}

const channels = 10_000;
let before = [heapBytes(), residentBytes(other.pid)];
const open = [];
for (let i = 0; i < channels; i++) {
  const sender = session.open();
  await answered(sender);
  open.push(sender);
}
console.log(
  `idle channel: ${kib((heapBytes() - before[0]) / channels)} here (heap), ${kib((residentBytes(other.pid) - before[1]) / channels)} there (RSS)`,
);
for (const sender of open.splice(0)) {
  sender.close();
  await sender.closed;
}

// The first time what is compiled meanwhile stays, too.
for (const time of ['', ', again']) {
  before = [heapBytes(), residentBytes(other.pid)];
  for (let i = 0; i < 100_000; i++) {
    const sender = session.open();
    await answered(sender);
    sender.close();
    await sender.closed;
  }
  console.log(
    `100,000 channels opened and closed${time}: ${kib(heapBytes() - before[0])} here (heap), ${kib(residentBytes(other.pid) - before[1])} there (RSS), table ${session.stats.channels}`,
  );
}

const sessions = 1000;
before = [heapBytes(), residentBytes(other.pid)];
const idle = [];
for (let i = 0; i < sessions; i++) idle.push(await dial('tcp', other.address));
console.log(
  `idle session over TCP: ${kib((heapBytes() - before[0]) / sessions)} here (heap), ${kib((residentBytes(other.pid) - before[1]) / sessions)} there (RSS)`,
);
await Promise.all(idle.map((one) => one.close()));
await session.close();
await other.close();
