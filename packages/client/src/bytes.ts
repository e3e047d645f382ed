import { CircuitError, type WaitOptions } from '@circuit/base';
import type { ByteSource } from '@circuit/protocol';

/** Options of a call that gathers bytes in memory. */
export interface CollectOptions extends WaitOptions {
  /** More than this rejects with `limit`; 64 MiB by default. */
  readonly maxBytes?: number | undefined;
}

/** The default of {@link CollectOptions.maxBytes}. */
export const maxCollectedBytes = 67_108_864;

/** Bytes that a caller can give: in one piece, or as they come. Text is encoded as UTF-8. */
export type BytesInput = Uint8Array | string | AsyncIterable<Uint8Array | string> | ReadableStream<Uint8Array>;

/** Bytes to be read in pieces. Whoever holds it reads to the end or cancels. */
export interface ByteStream extends AsyncIterable<Uint8Array> {
  /** The next bytes, or `undefined` at the end. */
  read(options?: WaitOptions): Promise<Uint8Array | undefined>;
  /** Refuses the rest. */
  cancel(reason?: unknown): void;
}

/** Gives a `read` the shape of a {@link ByteStream}: a loop that is left early cancels. */
export abstract class ByteStreamBase implements ByteStream {
  abstract read(options?: WaitOptions): Promise<Uint8Array | undefined>;
  abstract cancel(reason?: unknown): void;

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    let whole = false;
    try {
      for (;;) {
        const chunk = await this.read();
        if (chunk === undefined) break;
        yield chunk;
      }
      whole = true;
    } finally {
      if (!whole) this.cancel();
    }
  }
}

/** The bytes that one end of a session delivers. */
export class ByteReading extends ByteStreamBase {
  readonly #source: ByteSource;

  constructor(source: ByteSource) {
    super();
    this.#source = source;
  }

  read(options?: WaitOptions): Promise<Uint8Array | undefined> {
    return this.#source.read(options);
  }

  cancel(reason?: unknown): void {
    this.#source.cancel(reason);
  }
}

/** Everything up to the end, in one piece. Beyond the bound it cancels and rejects with `limit`. */
export async function collect(
  stream: ByteStream,
  { maxBytes = maxCollectedBytes, signal }: CollectOptions = {},
): Promise<Uint8Array> {
  const gathered = new Gathered(maxBytes);
  try {
    for (;;) {
      const chunk = await stream.read({ signal });
      if (chunk === undefined) return gathered.bytes();
      gathered.add(chunk);
    }
  } catch (error) {
    stream.cancel(error);
    throw error;
  }
}

/** Chunks on their way to one piece. */
export class Gathered {
  readonly #chunks: Uint8Array[] = [];
  readonly #maxBytes: number;
  #length = 0;

  constructor(maxBytes: number = maxCollectedBytes) {
    this.#maxBytes = maxBytes;
  }

  /** Takes the chunk over; throws `limit` beyond the bound. */
  add(chunk: Uint8Array): void {
    this.#length += chunk.length;
    if (this.#length > this.#maxBytes)
      throw new CircuitError('limit', `more than ${this.#maxBytes} bytes: read them in pieces, or raise maxBytes`);
    this.#chunks.push(chunk);
  }

  bytes(): Uint8Array {
    const [only] = this.#chunks;
    if (only !== undefined && this.#chunks.length === 1) return only;
    const whole = new Uint8Array(this.#length);
    let at = 0;
    for (const chunk of this.#chunks) {
      whole.set(chunk, at);
      at += chunk.length;
    }
    return whole;
  }
}

/** Whether a value is a stream of bytes rather than a value: told by its methods. */
export function isByteStream(value: unknown): value is AsyncIterable<Uint8Array | string> | ReadableStream<Uint8Array> {
  if (typeof value !== 'object' || value === null) return false;
  // The receiving end of a channel can be iterated too, but it is a value that moves.
  if ('tryReceive' in value) return false;
  return Symbol.asyncIterator in value || typeof (value as { getReader?: unknown }).getReader === 'function';
}

const encoder = new TextEncoder();

/** The pieces of what a caller gave, each as bytes. Leaving early ends the caller's stream. */
export async function* pieces(input: BytesInput): AsyncGenerator<Uint8Array, void, undefined> {
  if (typeof input === 'string') yield encoder.encode(input);
  else if (input instanceof Uint8Array) yield input;
  else if (Symbol.asyncIterator in input) for await (const piece of input) yield asBytes(piece);
  else yield* streamed(input);
}

async function* streamed(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = stream.getReader();
  let whole = false;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      yield asBytes(value);
    }
    whole = true;
  } finally {
    if (!whole) await reader.cancel().catch(ignore);
    reader.releaseLock();
  }
}

function asBytes(piece: unknown): Uint8Array {
  if (piece instanceof Uint8Array) return piece;
  if (typeof piece === 'string') return encoder.encode(piece);
  throw new CircuitError('invalid', `a stream of bytes delivered a ${typeof piece}`);
}

function ignore(): void {}
