/** What a verb may use of the world: its streams, its environment, and the wish that it end. */
export interface Io {
  /** Opened at the first use. */
  readonly stdin: AsyncIterable<Uint8Array>;
  /** Writes to standard output; resolves when the system has taken it. Rejects when nobody reads any more. */
  write(data: string | Uint8Array): Promise<void>;
  /** The same for standard error. */
  writeError(data: string | Uint8Array): Promise<void>;
  /** Writes a line to standard error, without waiting. */
  say(line: string): void;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Fires when the command is to end: Ctrl-C, SIGTERM. */
  readonly signal: AbortSignal;
}
