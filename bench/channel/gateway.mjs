// The socket gateway beside the raw stream of the same session, over loopback or over links of so many Gbit/s between two network namespaces:
// node bench/channel/gateway.mjs [MiB] [rounds] [Gbit/s ...]. Four processes, as in life: who writes, the two sides of the session, who reads.
// The raw stream has two and is read and written where the session is, so on two processors it has twice the machine; what that alone costs is
// shown by two plain proxies of Node in place of the two sides, over TLS where the session is. The processor time of the two sides is not touched
// by how many others run. Ends with 1 where a gateway is below 80 % of the raw stream.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { median } from './common.mjs';
import { LimitedLink, whyNoLink } from './limited-link.mjs';

const script = fileURLToPath(new URL('gateway-roles.mjs', import.meta.url));
const loopback = { name: 'loopback', hosts: ['127.0.0.1', '127.0.0.1'], command: (_host, command) => command };

/** Starts the role on host 0 or 1 of the link. */
async function start(link, host, role, ...settings) {
  const command = [process.execPath, script, role, link.hosts[host], ...settings.map(String)];
  const [program, ...argv] = link.command(host, command);
  const child = spawn(program, argv, { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout });
  const ended = once(child, 'exit').then(() => Promise.reject(new Error(`${role} has ended`)));
  ended.catch(() => undefined);
  const next = async () => JSON.parse((await Promise.race([once(lines, 'line'), ended]))[0]);
  const ask = (line) => {
    child.stdin.write(`${line}\n`);
    return next();
  };
  return { said: await next(), ask, end: () => child.stdin.end() };
}

async function measure(link, carrier, bytes, rounds) {
  const started = [];
  const begin = async (...role) => {
    const process = await start(link, ...role);
    started.push(process);
    return process;
  };
  const [here, there] = link.hosts;
  const source = await begin(0, 'source');
  const sink = await begin(1, 'sink');
  const far = await begin(1, 'far');
  const near = await begin(0, 'near', carrier, there, far.said[carrier], sink.said.port);
  const second = await begin(1, 'proxy', there, sink.said.port, carrier === 'tls' ? 'in' : 'none');
  const first = await begin(0, 'proxy', there, second.said.port, carrier === 'tls' ? 'out' : 'none');
  const through = (host, { said }) => source.ask(`${host} ${said.port} ${bytes}`);
  const sides = () => Promise.all([near.ask(''), far.ask('')]);
  /** Runs `run`; its rate, and the processor time of the dearer of the session's two sides. */
  const timed = async (run) => {
    const before = await sides();
    const { perSecond } = await run();
    const after = await sides();
    return { perSecond, cpu: Math.max(...after.map((ms, side) => ms - before[side])) };
  };
  const figures = { bare: [], proxies: [], raw: [], gateway: [] };
  // The first round warms up.
  for (let round = 0; round <= rounds; round++) {
    const figure = {
      bare: await through(there, sink),
      raw: await timed(() => near.ask(bytes)),
      proxies: await through(here, first),
      gateway: await timed(() => through(here, near)),
    };
    if (round > 0) for (const [kind, values] of Object.entries(figures)) values.push(figure[kind]);
  }
  for (const process of started) process.end();
  return figures;
}

/** What the gateway is to reach of the raw stream. */
const wanted = 0.8;

function part(figures, kind, to, what = 'perSecond') {
  return median(figures[kind].map((one, i) => one[what] / figures[to][i][what]));
}

function ratio(...of) {
  return `${(100 * part(...of)).toFixed(0)} %`;
}

/** Answers whether the goal is missed. */
function printRates(title, figures) {
  const missed = part(figures, 'gateway', 'raw') < wanted;
  const rate = (kind) => `${(median(figures[kind].map(({ perSecond }) => perSecond)) / 1e6).toFixed(0)} MB/s`;
  console.log(
    `${title}: raw stream ${rate('raw')}, gateway ${rate('gateway')}: ${ratio(figures, 'gateway', 'raw')}${missed ? ', MISSED' : ''}; two proxies ${rate('proxies')}: ` +
      `${ratio(figures, 'proxies', 'raw')}, gateway to proxies ${ratio(figures, 'gateway', 'proxies')} (bare socket ${rate('bare')})`,
  );
  return missed;
}

/** What it costs where the processors are the bound. */
function printCosts(title, bytes, figures) {
  const cost = (kind) => (median(figures[kind].map(({ cpu }) => cpu)) / bytes) * 2 ** 30;
  const both = cost('raw') / (cost('raw') + cost('bare'));
  console.log(
    `${title}: processor time of the dearer side for a GiB: raw stream ${cost('raw').toFixed(0)} ms, gateway ${cost('gateway').toFixed(0)} ms: ` +
      `${ratio(figures, 'raw', 'gateway', 'cpu')}; the raw stream and the reading of a plain socket, ${cost('bare').toFixed(0)} ms, would be ${(100 * both).toFixed(0)} %`,
  );
}

async function run(link, bytes, rounds) {
  for (const carrier of ['tcp', 'tls']) {
    const title = `${link.name}, ${carrier}`;
    const figures = await measure(link, carrier, bytes, rounds);
    if (printRates(title, figures)) process.exitCode = 1;
    if (link === loopback) printCosts(title, bytes, figures);
  }
}

const [mebibytes = 256, rounds = 7, ...rates] = process.argv.slice(2).map(Number);
const bytes = mebibytes * 1_048_576;
const why = rates.length > 0 ? whyNoLink() : undefined;
if (rates.length === 0) await run(loopback, bytes, rounds);
else if (why !== undefined) console.log(`skipped: ${why}`);
else
  for (const gigabits of rates) {
    const link = await LimitedLink.make(gigabits);
    try {
      await run(link, bytes, rounds);
    } finally {
      await link.remove();
    }
  }
