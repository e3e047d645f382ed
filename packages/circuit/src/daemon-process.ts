import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { CircuitError, deadline, deferred, onAbort, orAborted, systemClock, type WaitOptions } from '@circuit/base';

/** The command as it is installed, which a daemon process runs: one folder up from here, two up from where it is bundled. */
function commandPath(): string {
  const places = ['../bin/circuit.js', '../../bin/circuit.js'];
  const paths = places.map((place) => fileURLToPath(new URL(place, import.meta.url)));
  return paths.find((path) => existsSync(path)) ?? 'circuit.js';
}

/** How a daemon is started as a process of its own. */
export interface DaemonProcessOptions extends WaitOptions {
  /** Behind `circuit start`. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Hears every line that the daemon writes to standard error. */
  readonly onLine?: ((line: string) => void) | undefined;
}

/** How a process ended. */
export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** How much of the last words of a daemon is kept for the error when it does not come up. */
const keptLines = 20;

/** A daemon in a process of its own. It ends with this process: it reads a pipe from here and takes its end for a SIGTERM. */
export class DaemonProcess {
  /** The circuit address that it printed. */
  readonly addr: string;
  readonly pid: number;
  /** Resolves when the process is over. */
  readonly ended: Promise<ProcessEnd>;
  readonly #child: Child;

  private constructor(child: Child, addr: string, pid: number, ended: Promise<ProcessEnd>) {
    this.#child = child;
    this.addr = addr;
    this.pid = pid;
    this.ended = ended;
  }

  /** Starts a daemon and waits for its address. Rejects with `cannot-start` and its last words when it ends before; it is over then. */
  static async start({ args, env, onLine, signal }: DaemonProcessOptions): Promise<DaemonProcess> {
    // The keeper of its processes must not be ended by a Ctrl-C in our terminal, nor the daemon before we ask it to.
    const child: Child = spawn(process.execPath, [commandPath(), 'start', '--until-eof', ...args], {
      env,
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const words: string[] = [];
    lines(child.stderr, (line) => {
      words.push(line);
      if (words.length > keptLines) words.shift();
      onLine?.(line);
    });
    child.stdin.on('error', ignore);
    const ended = endOf(child);
    const address = deferred<string>();
    lines(child.stdout, (line) => address.resolve(line));
    const failed = ended.then(({ code, signal: by }) => {
      const how = code === null ? `was ended by ${by ?? 'a signal'}` : `ended with ${code}`;
      throw new CircuitError('cannot-start', `circuit start ${how}: ${words.join('; ') || 'it said nothing'}`);
    });
    failed.catch(ignore);
    try {
      const addr = await orAborted(Promise.race([address.promise, failed]), signal);
      return new DaemonProcess(child, addr, child.pid ?? 0, ended);
    } catch (error) {
      child.kill('SIGKILL');
      await ended;
      throw error;
    }
  }

  /** Sends it a signal; nothing happens once it is over. */
  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Ends it: SIGTERM, and SIGKILL when that has not helped after `graceMs`. */
  async stop(graceMs = 10_000): Promise<ProcessEnd> {
    this.kill('SIGCONT');
    this.kill('SIGTERM');
    const limit = deadline(systemClock, graceMs);
    const release = onAbort(limit.signal, () => this.kill('SIGKILL'));
    try {
      return await this.ended;
    } finally {
      release();
      limit.dispose();
    }
  }
}

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

function endOf(child: Child): Promise<ProcessEnd> {
  return new Promise((resolve) => {
    // A process that could not be spawned has no exit.
    child.once('error', () => resolve({ code: null, signal: null }));
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
}

/** Calls `take` for every line; a part of a line longer than any of ours is dropped. */
function lines(stream: Readable, take: (line: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (text: string) => {
    const parts = (rest + text).split('\n');
    rest = (parts.pop() ?? '').slice(0, 65_536);
    for (const part of parts) take(part);
  });
}

function ignore(): void {}
