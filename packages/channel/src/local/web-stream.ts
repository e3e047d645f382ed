import { CircuitError } from '@circuit/base';
import type { RawReader, RawWriter } from './raw.js';

/** A web stream as a raw reader or writer, so that one pump serves all. */
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

export function webWriter(stream: WritableStream<Uint8Array>): RawWriter {
  const writer = stream.getWriter();
  writer.closed.catch(ignore);
  return {
    async writeNow(chunk) {
      await writer.ready;
      writer.write(chunk).catch(ignore);
    },
    closeNow: () => void writer.close().catch(ignore),
    abortNow: (reason) => void writer.abort(reason).catch(ignore),
    closed: writer.closed,
  };
}

const encoder = new TextEncoder();

/** A chunk as bytes; throws `invalid` for what is none. */
export function asBytes(chunk: unknown): Uint8Array {
  if (chunk instanceof Uint8Array) return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  if (typeof chunk === 'string') return encoder.encode(chunk);
  if (ArrayBuffer.isView(chunk)) return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  if (chunk instanceof ArrayBuffer) return new Uint8Array(chunk);
  throw new CircuitError('invalid', `a byte stream delivered a ${typeof chunk}`);
}

function ignore(): void {}
