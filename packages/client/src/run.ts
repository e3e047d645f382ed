import {
  abortError,
  type Clock,
  deadline,
  linkSignals,
  onAbort,
  throwIfAborted,
  type Timer,
  type WaitOptions,
} from '@circuit/base';
import { type Cmd, exitCodeOfProc, type ProcState } from '@circuit/protocol';
import type { Anchor } from './anchor.js';
import { type BytesInput, Gathered, maxCollectedBytes } from './bytes.js';
import type { Gap, Output } from './output.js';
import type { Proc } from './proc.js';

/** How a process is run. Without `stdout` or `stderr` that output is gathered for the {@link RunResult}. */
export interface RunOptions extends WaitOptions {
  /** What it reads; absent: nothing, its input ends at once. */
  readonly stdin?: BytesInput | undefined;
  /** Hears the output piece by piece; the process waits while the promise is pending. */
  readonly stdout?: ((chunk: Uint8Array) => void | Promise<void>) | undefined;
  readonly stderr?: ((chunk: Uint8Array) => void | Promise<void>) | undefined;
  /** Hears of missing bytes; only with a command in the mode `log`. Without it they reject with `gap`. */
  readonly onGap?: ((gap: Gap) => void) | undefined;
  /** Hears when the process runs. */
  readonly onStart?: ((proc: Proc) => void) | undefined;
  /** Bound of each gathered output; 64 MiB by default, more rejects with `limit`. */
  readonly maxBytes?: number | undefined;
}

/** How a run ended. */
export interface RunResult {
  readonly state: ProcState;
  /** As a shell tells it: the code, 128 + n for signal n, 255 where nobody knows. */
  readonly exitCode: number;
  /** Empty where the options took the output piece by piece. */
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
}

/** How long a run that is given up waits for the answer to its start, and then tries to end its process: twice this in all. */
const cleanupMs = 2000;

/**
 * Runs `cmd` at `anchor` from start to end; the process waits for its output to be read unless `cmd.mode` says otherwise. Given up, or failed on
 * the way, it kills the process group and removes the element, as far as the server can be reached; it rejects once that is done, or after 2 s,
 * and 2 s more if it was given up before the server had said that the process runs.
 */
export async function run(anchor: Anchor, cmd: Cmd, options: RunOptions, clock: Clock): Promise<RunResult> {
  const proc = await start(anchor, { mode: 'pipe', ...cmd, scrub: false }, options.signal, clock);
  const own = new AbortController();
  const linked = linkSignals(options.signal, own.signal);
  const { signal } = linked;
  const stdout = new Gathered(options.maxBytes ?? maxCollectedBytes);
  const stderr = new Gathered(options.maxBytes ?? maxCollectedBytes);
  try {
    options.onStart?.(proc);
    // A process may end without reading its input: how that fares is not how the run fares.
    void proc.stdin.pipeFrom(options.stdin ?? '', { signal }).catch(ignore);
    const [state] = await Promise.all([
      proc.wait({ signal }),
      drain(proc.stdout, options.stdout ?? ((chunk) => stdout.add(chunk)), options.onGap, signal),
      drain(proc.stderr, options.stderr ?? ((chunk) => stderr.add(chunk)), options.onGap, signal),
    ]);
    await proc.scrub({ signal });
    return { state, exitCode: exitCodeOfProc(state), stdout: stdout.bytes(), stderr: stderr.bytes() };
  } catch (error) {
    await removeKilled(proc, clock);
    throw options.signal?.aborted === true ? abortError(options.signal) : error;
  } finally {
    // Nothing may go on reading or feeding when the run is over.
    own.abort();
    linked.dispose();
  }
}

/** The process at `anchor`. One that was started although it was given up meanwhile is removed: only the answer tells. */
async function start(anchor: Anchor, cmd: Cmd, signal: AbortSignal | undefined, clock: Clock): Promise<Proc> {
  throwIfAborted(signal);
  const patience = new AbortController();
  let timer: Timer | undefined;
  const release = onAbort(signal, () => {
    timer = clock.after(cleanupMs, () => patience.abort());
  });
  try {
    const proc = await anchor.makeProc(cmd, { signal: patience.signal });
    if (signal?.aborted === true) await removeKilled(proc, clock);
    throwIfAborted(signal);
    return proc;
  } catch (error) {
    throw signal?.aborted === true ? abortError(signal) : error;
  } finally {
    release();
    timer?.cancel();
  }
}

async function drain(
  output: Output,
  take: (chunk: Uint8Array) => void | Promise<void>,
  onGap: ((gap: Gap) => void) | undefined,
  signal: AbortSignal,
): Promise<void> {
  for await (const chunk of output.open({ onGap, signal })) await take(chunk);
}

async function removeKilled(proc: Proc, clock: Clock): Promise<void> {
  const limit = deadline(clock, cleanupMs, `removing ${proc.path}`);
  try {
    await proc.scrub({ kill: true, signal: limit.signal });
  } catch {
    // The first failure is the one to tell; what is left is found at the path.
  } finally {
    limit.dispose();
  }
}

function ignore(): void {}
