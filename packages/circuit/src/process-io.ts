import { write as writeDescriptor, writeSync } from 'node:fs';
import { CircuitError, pause, systemClock } from '@circuit/base';
import type { Io } from './io.js';

/** The streams of this process. */
export function processIo(signal: AbortSignal): Io {
  return {
    get stdin() {
      return process.stdin as AsyncIterable<Uint8Array>;
    },
    write: (data) => writeAll(1, data),
    writeError: (data) => writeAll(2, data),
    say(line) {
      try {
        writeSync(2, `${line}\n`);
      } catch {
        // Nobody reads it.
      }
    },
    env: process.env,
    signal,
  };
}

/**
 * Writes by the thread pool: `process.stdout` would block this process for as long as a pager holds the pipe, and a process that answers no
 * sign of life loses its link.
 */
async function writeAll(descriptor: number, data: string | Uint8Array): Promise<void> {
  let rest = typeof data === 'string' ? Buffer.from(data) : data;
  while (rest.length > 0) rest = rest.subarray(await writeSome(descriptor, rest));
}

async function writeSome(descriptor: number, bytes: Uint8Array): Promise<number> {
  for (;;) {
    const written = await new Promise<number | NodeJS.ErrnoException>((resolve) => {
      writeDescriptor(descriptor, bytes, (error, count) => resolve(error ?? count));
    });
    if (typeof written === 'number') return written;
    if (written.code === 'EPIPE') throw new CircuitError('closed', 'nobody reads the output', { detail: 'SIGPIPE' });
    // Somebody has made the pipe non-blocking, and it is full; there is no event to wait for on a bare descriptor.
    if (written.code !== 'EAGAIN')
      throw new CircuitError('io', `write standard ${descriptor === 1 ? 'output' : 'error'}: ${words(written)}`);
    await pause(systemClock, 5);
  }
}

/** `ENOSPC: no space left on device, write` without what is said beside it. */
function words({ message }: Error): string {
  return message.replace(/^[A-Z]+: /, '').replace(/, write$/, '');
}
