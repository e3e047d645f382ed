import { CircuitError, toCircuitError } from '@circuit/base';
import type { NodeStream } from './end.js';
import type { RawReader, RawWriter } from './raw.js';

/** A web or Node stream as a raw reader or writer, so that one pump serves all. */
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

/** Reads by events: the async iterator of a duplex stream would destroy its writing side at the end. */
export function nodeReader(stream: NodeStream): RawReader {
  let wake: (() => void) | undefined;
  let failure: CircuitError | undefined;
  let ended = false;
  const chunks: Uint8Array[] = [];
  const notify = (): void => {
    wake?.();
    wake = undefined;
  };
  stream.on('data', (chunk: Uint8Array | string) => {
    chunks.push(asBytes(chunk));
    stream.pause();
    notify();
  });
  stream.on('end', () => {
    ended = true;
    notify();
  });
  stream.on('error', (error: Error) => {
    failure ??= toCircuitError(error, 'io');
    notify();
  });
  stream.on('close', () => {
    if (!ended) failure ??= destroyedEarly();
    notify();
  });
  // A stream that was over before it was sent has no event left to tell.
  if (stream.readableEnded === true) ended = true;
  else if (stream.destroyed === true)
    failure = stream.errored ? toCircuitError(stream.errored, 'io') : destroyedEarly();
  stream.pause();
  return {
    async readNow() {
      for (;;) {
        const chunk = chunks.shift();
        if (chunk !== undefined) return chunk;
        if (failure !== undefined) throw failure;
        if (ended) return undefined;
        const waiting = new Promise<void>((resolve) => {
          wake = resolve;
        });
        stream.resume();
        await waiting;
      }
    },
    cancelNow(reason) {
      if (!ended) stream.destroy(reason);
    },
  };
}

export function nodeWriter(stream: NodeStream): RawWriter {
  let fail: (error: CircuitError) => void = ignore;
  let finish: () => void = ignore;
  const closed = new Promise<void>((resolve, reject) => {
    finish = resolve;
    fail = reject;
  });
  closed.catch(ignore);
  stream.on('error', (error: Error) => fail(toCircuitError(error, 'io')));
  stream.on('finish', () => finish());
  stream.on('close', () => fail(new CircuitError('closed', 'the stream was destroyed')));
  if (stream.destroyed === true) fail(new CircuitError('closed', 'the stream was destroyed'));
  return {
    writeNow: (chunk) =>
      new Promise((resolve, reject) => {
        // The callback comes when the chunk was handled, which also bounds what waits inside the stream.
        stream.write(chunk, (error) => (error ? reject(toCircuitError(error, 'io')) : resolve()));
      }),
    closeNow: () => void stream.end(),
    abortNow: (reason) => void stream.destroy(reason),
    closed,
  };
}

function destroyedEarly(): CircuitError {
  return new CircuitError('aborted', 'the stream was destroyed before its end');
}

const encoder = new TextEncoder();

function asBytes(chunk: unknown): Uint8Array {
  if (chunk instanceof Uint8Array) return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  if (typeof chunk === 'string') return encoder.encode(chunk);
  if (ArrayBuffer.isView(chunk)) return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  if (chunk instanceof ArrayBuffer) return new Uint8Array(chunk);
  throw new CircuitError('invalid', `a byte stream delivered a ${typeof chunk}`);
}

function ignore(): void {}
