// What one operation costs beside n others that wait, inside one process, in microseconds, median of five rounds: it should not depend on n.
// Ends with 1 where it costs beside the most more than ten times the least, and 10 µs.
//   node bench/channel/growth.mjs [n ...]
import { bytePipe, pipe, queue, receiving, select, sending } from '@circuit/channel';
import { median } from './common.mjs';

const sizes = process.argv.slice(2).map(Number);
if (sizes.length === 0) sizes.push(250, 4000, 16_000);
const times = 200;

const turn = () => new Promise(setImmediate);

/** Microseconds that one of `count` calls of `run` takes. */
async function each(count, run) {
  const begun = performance.now();
  for (let i = 0; i < count; i++) await run(i);
  return ((performance.now() - begun) * 1000) / count;
}

const operations = {
  async 'a send to one of n selects that wait'(n) {
    const { sender, receiver } = pipe();
    for (let i = 0; i < n; i++) void select([receiving(receiver, () => undefined)]);
    await turn();
    return each(times, (i) => sender.send(i));
  },
  async 'a receive from one of n selects that want to send'(n) {
    const { sender, receiver } = pipe();
    for (let i = 0; i < n; i++) void select([sending(sender, i, () => undefined)]);
    await turn();
    return each(times, () => receiver.receive());
  },
  async 'a receive that begins with the signal of n others'(n) {
    const { signal } = new AbortController();
    const pipes = Array.from({ length: n + times }, () => pipe());
    for (const { receiver } of pipes.slice(times)) void receiver.receive({ signal });
    await turn();
    return each(times, (i) => void pipes[i].receiver.receive({ signal }));
  },
  async 'a receive that ends with the signal of n others'(n) {
    const { signal } = new AbortController();
    const pipes = Array.from({ length: n }, () => pipe());
    for (const { receiver } of pipes) void receiver.receive({ signal });
    await turn();
    return each(times, (i) => pipes[i].sender.send(i));
  },
  async 'a receive from a pipe that holds n messages'(n) {
    const { sender, receiver } = pipe(n);
    for (let i = 0; i < n; i++) void sender.send(i);
    return each(times, () => receiver.receive());
  },
  async 'a message through a queue of n'(n) {
    const slow = pipe();
    const fast = queue(slow.sender, n);
    for (let i = 0; i < n; i++) await fast.send(i);
    return each(times, async (i) => {
      await slow.receiver.receive();
      await fast.send(i);
    });
  },
  async 'a read of a byte pipe to which n writes wait'(n) {
    const { reader, writer } = bytePipe(1000);
    for (let i = 0; i < n + 100; i++) void writer.write(new Uint8Array(1000));
    await turn();
    return each(times, () => reader.read());
  },
};

for (const [name, run] of Object.entries(operations)) {
  // The first round is compiled while it runs.
  await run(sizes[0]);
  const figures = [];
  for (const n of sizes) {
    const rounds = [];
    for (let round = 0; round < 5; round++) rounds.push(await run(n));
    figures.push(median(rounds));
  }
  const grows = figures.at(-1) > 10 * Math.min(...figures) + 10;
  if (grows) process.exitCode = 1;
  const shown = sizes.map((n, i) => `${n}: ${figures[i].toFixed(2)}`).join(', ');
  console.log(`${name}, µs at n = ${shown}${grows ? ', GROWS' : ''}`);
}
