import type { Io } from '../src/io.js';

/** A terminal in memory. */
export interface MemoryIo extends Io {
  readonly out: () => string;
  readonly err: () => string;
  readonly stop: AbortController;
}

/** What a verb is given in a test: an environment without a server, and `input` to read. */
export function memoryIo(input = '', env: Record<string, string> = {}): MemoryIo {
  const out: Uint8Array[] = [];
  const err: Uint8Array[] = [];
  const stop = new AbortController();
  const bytes = (data: string | Uint8Array): Uint8Array => (typeof data === 'string' ? Buffer.from(data) : data);
  return {
    stdin: (async function* () {
      yield await Promise.resolve(bytes(input));
    })(),
    write(data) {
      out.push(bytes(data));
      return Promise.resolve();
    },
    writeError(data) {
      err.push(bytes(data));
      return Promise.resolve();
    },
    say: (line) => void err.push(bytes(`${line}\n`)),
    env: { HOME: '/nonexistent', XDG_STATE_HOME: '/nonexistent', XDG_RUNTIME_DIR: '/nonexistent', ...env },
    signal: stop.signal,
    stop,
    out: () => Buffer.concat(out).toString(),
    err: () => Buffer.concat(err).toString(),
  };
}
