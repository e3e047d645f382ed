import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { passOver, programPath, requires } from '@circuit/testkit';
import { bundle } from './bundle.js';

const run = promisify(execFile);

/** Whether namespaces can be made here; said in a line, or an error where everything has to be there. */
export function canSplitHosts(): boolean {
  if (!requires('ip', 'nsenter')) return false;
  return process.getuid?.() === 0 || passOver('two hosts can only be made by root on Linux');
}

/** A program on one of the hosts. */
export interface Program {
  /** The next line that it prints. */
  line(): Promise<string>;
  kill(): Promise<void>;
}

/** Two network namespaces joined by a cable, 10.88.0.1 and 10.88.0.2. */
export class TwoHosts {
  readonly #names: readonly [string, string];

  private constructor(names: readonly [string, string]) {
    this.#names = names;
  }

  static async make(): Promise<TwoHosts> {
    const names = [`circuit-${process.pid}-1`, `circuit-${process.pid}-2`] as const;
    const hosts = new TwoHosts(names);
    for (const name of names) await ip('netns', 'add', name);
    await ip('link', 'add', 'v0', 'netns', names[0], 'type', 'veth', 'peer', 'name', 'v0', 'netns', names[1]);
    for (const [i, name] of names.entries()) {
      await ip('-n', name, 'addr', 'add', `10.88.0.${i + 1}/30`, 'dev', 'v0');
      for (const device of ['lo', 'v0']) await ip('-n', name, 'link', 'set', device, 'up');
    }
    return hosts;
  }

  /** Runs a fixture of this package on host 1 or 2. */
  async run(host: 1 | 2, fixture: string, args: readonly string[]): Promise<Program> {
    const { code } = await bundle(`test/fixtures/${fixture}`, { platform: 'node', external: ['ws'] });
    const entry = [`--net=/run/netns/${this.#names[host - 1]}`, process.execPath, '--input-type=module', '-', ...args];
    const child = spawn(programPath('nsenter') as string, entry, {
      cwd: new URL('../..', import.meta.url),
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const exited = once(child, 'exit');
    child.stdin.end(code);
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    return {
      async line() {
        const next = await lines.next();
        if (next.done === true) throw new Error(`${fixture} ${args.join(' ')} said nothing more`);
        return next.value;
      },
      async kill() {
        child.kill('SIGKILL');
        await exited;
      },
    };
  }

  /** Host 2 is not there any more, without a word. */
  async lose(): Promise<void> {
    await ip('-n', this.#names[1], 'link', 'set', 'v0', 'down');
  }

  async remove(): Promise<void> {
    for (const name of this.#names) await ip('netns', 'del', name);
  }
}

async function ip(...args: readonly string[]): Promise<void> {
  await run(programPath('ip') as string, args);
}
