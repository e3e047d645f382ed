import type { ErrorRecord } from '@circuit/base';
import { build } from 'esbuild';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** What a holder says: the folder it has, or why it has none. */
interface HolderAnswer {
  readonly path?: string;
  readonly error?: ErrorRecord;
}

/** A process of its own that holds a state folder. */
export interface Holder {
  readonly pid: number;
  readonly answer: HolderAnswer;
  /** kill -9. */
  kill(): Promise<void>;
  /** Lets it close its folder and waits for its end. */
  close(): Promise<void>;
}

/** Starts holders and ends those that are left. */
export class Holders {
  readonly #program: string;
  readonly #env: NodeJS.ProcessEnv;
  readonly #children = new Set<ChildProcess>();

  private constructor(program: string, env: NodeJS.ProcessEnv) {
    this.#program = program;
    this.#env = env;
  }

  static async make(folder: string, env: NodeJS.ProcessEnv): Promise<Holders> {
    const program = join(folder, 'holder.mjs');
    await build({
      entryPoints: [join(import.meta.dirname, 'holder.ts')],
      outfile: program,
      bundle: true,
      platform: 'node',
      format: 'esm',
      conditions: ['@circuit/source'],
    });
    return new Holders(program, env);
  }

  async start(folder?: string): Promise<Holder> {
    const child = spawn(process.execPath, [this.#program, ...(folder === undefined ? [] : [folder])], {
      env: this.#env,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#children.add(child);
    child.once('exit', () => this.#children.delete(child));
    const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
    const ended = async (end: () => void): Promise<void> => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exit = once(child, 'exit');
      end();
      await exit;
    };
    return {
      pid: child.pid!,
      answer: JSON.parse(line) as HolderAnswer,
      kill: () => ended(() => child.kill('SIGKILL')),
      close: () => ended(() => child.stdin.end()),
    };
  }

  async end(): Promise<void> {
    for (const child of this.#children) {
      const exit = once(child, 'exit');
      child.kill('SIGKILL');
      await exit;
    }
  }
}
