import { CircuitError } from '@circuit/base';
import type { RawReader, RawWriter } from './raw.js';

/** A web stream as a raw reader, for the pump that serves all. */
export function webReader(stream: ReadableStream<Uint8Array>): RawReader {
  const reader = stream.getReader();
  return {
    async readNow() {
      const result = await reader.read();
      return result.done ? undefined : asBytes(result.value);
    },
    cancelNow: (reason) => void reader.cancel(reason).catch(ignore),
  };
}

/** What the stream has not written is not taken, and one chunk at a time is with it. */
export function webWriter(stream: WritableStream<Uint8Array>): RawWriter {
  const writer = stream.getWriter();
  let closing = false;
  return {
    // What had been closed before takes nothing.
    closed: writer.closed.then(() => {
      if (!closing) throw new CircuitError('aborted', 'stream closed');
    }),
    writeNow: (chunk) => writer.write(chunk),
    closeNow() {
      closing = true;
      writer.close().catch(ignore);
    },
    abortNow: (reason) => void writer.abort(reason).catch(ignore),
  };
}

const encoder = new TextEncoder();

/** A chunk as bytes; throws `invalid` for what is none. */
export function asBytes(chunk: unknown): Uint8Array {
  if (typeof chunk === 'string') return encoder.encode(chunk);
  if (ArrayBuffer.isView(chunk)) return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  if (chunk instanceof ArrayBuffer) return new Uint8Array(chunk);
  throw new CircuitError('invalid', `a byte stream delivered a ${typeof chunk}`);
}

function ignore(): void {}
