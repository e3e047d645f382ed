/**
 * The end of a byte stream that its holder reads. Opaque here: what it is, and how it is told from plain data, is up to
 * the session that carries it. Sending it moves it.
 */
export type ByteSource = object;

/** The end of a byte stream that its holder writes; closing it ends the stream whole, aborting it ends it as failed. */
export type ByteSink = object;

/** What one message of a channel element holds. */
export type Content =
  | { readonly type: 'bytes'; readonly source: ByteSource }
  /** Any value the codec of the session takes; it may itself hold channels and streams. */
  | { readonly type: 'value'; readonly value: unknown };
