// This checkout's code beside that of another, by turns: what one change brings. Build both (`npm ci && npx tsc -b`) first.
//   node bench/channel/against.mjs OTHER-CHECKOUT [--probe requests|one-way|stream|p99] [--in-flight 1] [--kind tcp|relay-tcp|...] [--turns 40] [--count 5000]
import { spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { median } from './common.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    probe: { type: 'string', default: 'requests' },
    'in-flight': { type: 'string', default: '1' },
    kind: { type: 'string', default: 'tcp' },
    turns: { type: 'string', default: '40' },
    count: { type: 'string', default: '5000' },
    client: { type: 'boolean', default: false },
  },
});
const [root] = positionals;
if (root === undefined) throw new Error('against.mjs: the folder of the other checkout is missing');
if (values.client) await client();
else await compare();

/** One side of the comparison: a process with a far side of its own, which measures once for each line it gets. */
async function client() {
  const [{ far }, { dial }, probes] = await Promise.all(
    ['far', 'dial', 'probes'].map((name) => import(resolve(root, 'bench/channel', `${name}.mjs`))),
  );
  const carrier = values.kind.replace('relay-', '');
  const end = await far(carrier);
  const door = carrier === values.kind ? end : await far(values.kind, end.address);
  const session = await dial(carrier, door.address);
  const [count, inFlight] = [Number(values.count), Number(values['in-flight'])];
  const measure = {
    requests: () => probes.requests(session, inFlight, count),
    'one-way': () => probes.oneWay(session, count),
    // `count` MiB.
    // Milliseconds: less is better.
    p99: () => probes.besideStream(session, count),
    stream: () => probes.stream(session, count * 2 ** 20),
  }[values.probe];
  // Compiled, connected and grown before it counts.
  for (let i = 0; i < 4; i++) await measure();
  process.stdout.write('ready\n');
  for await (const _line of createInterface({ input: process.stdin })) process.stdout.write(`${await measure()}\n`);
  for (const closing of [session, door, end]) await closing.close();
}

async function compare() {
  const here = join(import.meta.dirname, '../..');
  const sides = [];
  for (const checkout of [here, root]) {
    const program = [
      import.meta.filename,
      checkout,
      '--client',
      ...process.argv.slice(2).filter((arg) => arg !== root),
    ];
    const child = spawn(process.execPath, program, { stdio: ['pipe', 'pipe', 'inherit'] });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    await lines.next();
    sides.push({ child, lines, rates: [] });
  }
  for (let turn = 0; turn < Number(values.turns); turn++) {
    for (const { child, lines, rates } of turn % 2 === 0 ? sides : sides.toReversed()) {
      child.stdin.write('go\n');
      rates.push(Number((await lines.next()).value));
    }
  }
  for (const { child } of sides) child.stdin.end();
  const [ours, theirs] = sides.map(({ rates }) => rates);
  const ratios = ours.map((rate, turn) => rate / theirs[turn]).sort((a, b) => a - b);
  const [low, high] = [1, 3].map((quarter) => ratios[Math.floor((quarter * ratios.length) / 4)]);
  console.log(
    `here ${median(ours).toPrecision(4)}, there ${median(theirs).toPrecision(4)}: ` +
      `by turns ${median(ratios).toFixed(3)} (quartiles ${low.toFixed(3)}–${high.toFixed(3)}, ${ratios.length} turns)`,
  );
}
