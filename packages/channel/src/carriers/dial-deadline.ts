import {
  checkMs,
  checkSignal,
  deadline,
  linkSignals,
  systemClock,
  throwIfAborted,
  type WaitOptions,
} from '@circuit/base';
import type { SessionOptions } from '../session/options.js';

interface DeadlineOptions extends WaitOptions {
  readonly deadlineMs?: number | undefined;
  readonly session?: SessionOptions | undefined;
}

export const defaultDeadlineMs = 10_000;

/** Runs a dial with a signal that fires with the caller's, or with `timeout` at the deadline. Rejects with `invalid` for a signal or a time that is none. */
export async function withinDeadline<T>(
  { signal, deadlineMs, session }: DeadlineOptions,
  what: string,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  checkSignal(what, signal);
  throwIfAborted(signal);
  checkMs(`${what}: deadlineMs`, deadlineMs);
  const limit = deadline(session?.clock ?? systemClock, deadlineMs ?? defaultDeadlineMs, what);
  const linked = linkSignals(signal, limit.signal);
  try {
    return await run(linked.signal);
  } finally {
    linked.dispose();
    limit.dispose();
  }
}
