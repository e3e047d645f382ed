import { type ChildProcessByStdio, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { bundle } from '../support/bundle.js';

/** What runs fixtures: `scripts/test-arm64.sh` names a Node for another processor. */
export const fixtureNode = process.env.CIRCUIT_FIXTURE_NODE ?? process.execPath;
/** Its system, as folders of prebuilt parts are named. */
export const fixtureSystem =
  process.env.CIRCUIT_FIXTURE_NODE === undefined
    ? `${process.platform}-${process.arch}`
    : execFileSync(fixtureNode, ['-p', 'process.platform + "-" + process.arch'], { encoding: 'utf8' }).trim();
const nativeFolder = fileURLToPath(new URL('../../native', import.meta.url));

export interface ProgramOptions {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** What stands where the native part is: it itself, nothing, or something that can't be loaded. */
  readonly native?: 'there' | 'missing' | 'broken';
  /** The most descriptors that it may open. */
  readonly maxFds?: number;
}

/** A fixture in a folder of its own that is laid out as the package is. */
export async function layOut(
  fixture: string,
  native: 'there' | 'missing' | 'broken' = 'there',
): Promise<{ folder: string; program: string }> {
  const { code } = await bundle(`test/fixtures/${fixture}`, { platform: 'node' });
  const folder = mkdtempSync(join(tmpdir(), 'program-'));
  const program = join(folder, 'dist', 'program', 'main.mjs');
  mkdirSync(join(folder, 'dist', 'program'), { recursive: true });
  writeFileSync(program, code);
  if (native === 'there') symlinkSync(nativeFolder, join(folder, 'native'));
  if (native === 'broken') {
    const prebuilt = join(folder, 'native', 'prebuilt', fixtureSystem);
    mkdirSync(prebuilt, { recursive: true });
    copyFileSync(program, join(prebuilt, 'circuit.node'));
  }
  return { folder, program };
}

/** A process that runs a fixture. It reads commands and prints lines. */
export class Program {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string>;
  readonly #exited: Promise<unknown[]>;
  readonly #folder: string;

  private constructor(child: ChildProcessByStdio<Writable, Readable, null>, folder: string) {
    this.#child = child;
    this.#folder = folder;
    this.#lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    this.#exited = once(child, 'exit');
    child.stdin.on('error', () => undefined);
  }

  /** Starts the bundler, which keeps descriptors open, before they are counted. */
  static async prepare(): Promise<void> {
    await bundle('test/fixtures/descriptor-relay.ts', { platform: 'node' });
  }

  static async start(fixture: string, options: ProgramOptions = {}): Promise<Program> {
    const { args = [], env = {}, native = 'there', maxFds } = options;
    const { folder, program } = await layOut(fixture, native);
    const limit = maxFds === undefined ? '' : `ulimit -n ${maxFds} &&`;
    const child = spawn('sh', ['-c', `${limit} exec "$0" "$@"`, fixtureNode, program, ...args], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, ...env },
    });
    return new Program(child, folder);
  }

  /** The next line that it prints. */
  async line(): Promise<string> {
    const next = await this.#lines.next();
    if (next.done === true) throw new Error('the program printed nothing more');
    return next.value;
  }

  say(line: string): void {
    this.#child.stdin.write(`${line}\n`);
  }

  /** Ends it at once. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exited;
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Its exit status, or the signal that ended it, once its input is over. */
  async ended(): Promise<unknown> {
    this.#child.stdin.end();
    const [status, signal] = await this.#exited;
    rmSync(this.#folder, { recursive: true, force: true });
    return status ?? signal;
  }
}
