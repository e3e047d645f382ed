import type { WaitOptions } from '@circuit/base';

/**
 * The end of a byte stream that its holder reads; the shape of a reader of `@circuit/channel`, which this package does not
 * import. Sending an end in a message moves it.
 */
export interface ByteSource extends AsyncIterable<Uint8Array> {
  /** The next bytes, or `undefined` at the end; rejects when the writer aborted, so a short stream never looks whole. */
  read(options?: WaitOptions): Promise<Uint8Array | undefined>;
  /** The next bytes if some are here, `null` at the end, else `undefined`. */
  tryRead(): Uint8Array | null | undefined;
  /** Refuses the rest; the writer hears `reason`. */
  cancel(reason?: unknown): void;
  /** Calls `run` once when a `tryRead` is worth a try; the result withdraws the call. */
  onReadable(run: () => void): () => void;
}

/** The end of a byte stream that its holder writes; the shape of a writer of `@circuit/channel`. */
export interface ByteSink {
  /** Resolves when there is room for more. */
  write(chunk: Uint8Array, options?: WaitOptions): Promise<void>;
  /** Ends the stream as whole. */
  close(): void;
  /** Ends the stream as failed. */
  abort(reason?: unknown): void;
  /** Resolves when the reader has read everything up to the end. */
  readonly closed: Promise<void>;
}

/** What one message of a channel element holds. */
export type Content =
  | { readonly type: 'bytes'; readonly source: ByteSource }
  /** Bytes in one piece, at most `maxHeldBytes`: what a stream would say, without the cost of one. */
  | { readonly type: 'whole'; readonly bytes: Uint8Array }
  /** Any value the codec of the session takes; it may itself hold channels and streams. */
  | { readonly type: 'value'; readonly value: unknown };
