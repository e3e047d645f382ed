import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const env = { ...process.env, PATH: `${process.env.PATH}${delimiter}/usr/sbin${delimiter}/sbin` };
/** What waits at the link in one direction; more is lost, as at a switch. */
const queueBytes = 1_048_576;
/** What may pass at once: two of the largest packets that the kernel hands on in one piece. */
const burstBytes = 131_072;

/** What is missing for links between namespaces, if anything is. */
export function whyNoLink() {
  if (process.platform !== 'linux' || process.getuid() !== 0)
    return 'a link between network namespaces can only be made by root on Linux';
  const missing = ['ip', 'tc', 'nsenter'].filter(
    (program) => !env.PATH.split(delimiter).some((folder) => existsSync(`${folder}/${program}`)),
  );
  return missing.length > 0 ? `a link between network namespaces needs ${missing.join(', ')}` : undefined;
}

/** Two network namespaces joined by a link of limited speed in either direction, whose two ends are `hosts`. */
export class LimitedLink {
  hosts = ['10.88.1.1', '10.88.1.2'];
  #namespaces = [0, 1].map((host) => `circuit-bench-${process.pid}-${host}`);
  /** Stays while it removes: `timeout` signals twice. */
  #onSignal = (signal) => void this.remove().then(() => process.kill(process.pid, signal));

  constructor(gigabits) {
    this.name = `${gigabits} Gbit/s`;
  }

  static async make(gigabits) {
    const link = new LimitedLink(gigabits);
    for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, link.#onSignal);
    try {
      await link.#lay(gigabits);
    } catch (error) {
      await link.remove();
      throw error;
    }
    return link;
  }

  /** What runs `command` on host 0 or 1. */
  command(host, command) {
    return ['nsenter', `--net=/run/netns/${this.#namespaces[host]}`, ...command];
  }

  async remove() {
    for (const namespace of this.#namespaces)
      await run('ip', ['netns', 'del', namespace], { env }).catch(() => undefined);
    for (const signal of ['SIGINT', 'SIGTERM']) process.off(signal, this.#onSignal);
  }

  async #lay(gigabits) {
    const [one, other] = this.#namespaces;
    for (const namespace of this.#namespaces) await run('ip', ['netns', 'add', namespace], { env });
    await run('ip', `link add v0 netns ${one} type veth peer name v0 netns ${other}`.split(' '), { env });
    for (const [host, namespace] of this.#namespaces.entries()) {
      const on = (program, line) => run(program, ['-n', namespace, ...line.split(' ')], { env });
      await on('ip', `addr add ${this.hosts[host]}/30 dev v0`);
      for (const device of ['lo', 'v0']) await on('ip', `link set ${device} up`);
      await on('tc', `qdisc add dev v0 root tbf rate ${gigabits}gbit burst ${burstBytes} limit ${queueBytes}`);
    }
  }
}
