import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { bundle } from './bundle.js';

/** A process of its own that runs a fixture. */
export interface FixtureProcess {
  /** The first line that it printed. */
  readonly line: string;
  /** Ends it at once and waits until it is gone. */
  kill(): Promise<void>;
}

/** Starts a fixture of this package with arguments and waits for its first line. */
export async function startProcess(fixture: string, args: readonly string[] = []): Promise<FixtureProcess> {
  const { code } = await bundle(`test/fixtures/${fixture}`, { platform: 'node', external: ['ws'] });
  const child = spawn(process.execPath, ['--input-type=module', '-', ...args], {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  child.stdin.end(code);
  const line = await Promise.race([
    once(createInterface(child.stdout), 'line').then(([text]) => String(text)),
    exited.then(([status]) => Promise.reject(new Error(`${fixture} ended with ${status} before it printed a line`))),
  ]);
  return {
    line,
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
