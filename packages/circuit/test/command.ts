import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The command as it is installed; `npm run build` makes what it imports. */
export const bin = fileURLToPath(new URL('../bin/circuit.js', import.meta.url));

/** How a command ended. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
}

/** A command that runs. */
export interface Running {
  readonly pid: number;
  /** What it has printed so far. */
  out(): string;
  err(): string;
  write(text: string): void;
  end(): void;
  kill(signal: NodeJS.Signals): void;
  readonly ended: Promise<Ended>;
}

export interface Surroundings {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly uid?: number | undefined;
  readonly cwd?: string;
}

/** Starts the command with an environment that names no server. */
export function begin(argv: readonly string[], { env = {}, uid, cwd }: Surroundings = {}): Running {
  const child = spawn(process.execPath, [bin, ...argv], {
    env: { PATH: process.env['PATH'], HOME: '/nonexistent', XDG_STATE_HOME: '/nonexistent', ...env },
    stdio: 'pipe',
    ...(uid === undefined ? {} : { uid, gid: uid }),
    ...(cwd === undefined ? {} : { cwd }),
  });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  // The command may end without reading what a test gives it.
  child.stdin.on('error', () => undefined);
  return {
    pid: child.pid ?? 0,
    out: () => out,
    err: () => err,
    write: (text) => void child.stdin.write(text),
    end: () => void child.stdin.end(),
    kill: (signal) => void child.kill(signal),
    ended: new Promise((resolve) => {
      child.once('close', (code, signal) => resolve({ code, signal, out, err }));
    }),
  };
}

/** Runs the command to its end with `input` on standard input. */
export function circuit(argv: readonly string[], input = '', surroundings: Surroundings = {}): Promise<Ended> {
  const running = begin(argv, surroundings);
  running.write(input);
  running.end();
  return running.ended;
}
