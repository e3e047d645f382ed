import { CircuitError, toCircuitError } from '@circuit/base';
import type { NodeStream } from './end.js';
import type { ByteSink, RawReader, RawWriter } from './raw.js';
import { asBytes } from './web-stream.js';

/**
 * A Node stream as a raw reader, for the pump that serves all. A page has none: its bundler takes `page-foreign.ts` instead (the
 * field `browser` of package.json). Reads by events: the async iterator of a duplex stream would destroy its writing side at
 * the end.
 */
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
    try {
      chunks.push(asBytes(chunk));
      stream.pause();
    } catch (error) {
      // In object mode it may deliver anything.
      failure ??= toCircuitError(error);
      stream.destroy(failure);
    }
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

/** A Node stream as a raw writer, and as a sink: what it has not written is not taken, and no more is under way than a window. */
export function nodeWriter(stream: NodeStream): RawWriter & ByteSink {
  let fail: (error: CircuitError) => void = ignore;
  let finish: () => void = ignore;
  const closed = new Promise<void>((resolve, reject) => {
    finish = resolve;
    fail = reject;
  });
  closed.catch(ignore);
  let ending = false;
  stream.on('error', (error: Error) => fail(toCircuitError(error, 'io')));
  // Somebody else's end is none of what was sent: the rest would be lost.
  stream.on('finish', () => (ending ? finish() : fail(endedEarly())));
  stream.on('close', () => fail(destroyed()));
  const write = (chunk: Uint8Array, done: () => void, failed: (error: CircuitError) => void): void => {
    // The callback comes when the chunk was handled, which also bounds what waits inside the stream.
    stream.write(chunk, (error) => (error ? failed(toCircuitError(error, 'io')) : done()));
  };
  const refusal = stream.writableEnded === true ? endedEarly() : stream.destroyed === true ? destroyed() : undefined;
  if (refusal !== undefined) fail(refusal);
  return {
    sendRefusal: refusal,
    attach: (tap) =>
      void closed.then(
        () => tap.done(),
        (reason: unknown) => tap.cancelled(reason as CircuitError),
      ),
    forward: (piece, written) => write(piece, written, written),
    writeNow: (chunk) => new Promise((resolve, reject) => write(chunk, resolve, reject)),
    closeNow() {
      ending = true;
      stream.end();
    },
    abortNow: (reason) => void stream.destroy(reason),
    closed,
  };
}

function endedEarly(): CircuitError {
  return new CircuitError('closed', 'the stream was ended by its owner');
}

function destroyed(): CircuitError {
  return new CircuitError('closed', 'the stream was destroyed');
}

function destroyedEarly(): CircuitError {
  return new CircuitError('aborted', 'the stream was destroyed before its end');
}

function ignore(): void {}
