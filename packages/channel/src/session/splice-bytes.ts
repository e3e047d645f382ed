import type { ByteSink, ByteSource } from '../local/raw.js';

/** Passes all that arrives on `from` on to `to`, without a promise for each chunk: byte streams, of sessions and others. */
export function spliceBytes(from: ByteSource, to: ByteSink): void {
  const refusal = to.sendRefusal;
  if (refusal !== undefined) {
    from.cancelNow(refusal);
    return;
  }
  to.attach({ cancelled: (reason) => from.cancelNow(reason), done: () => from.relayDone() });
  from.attach({
    bytes: (piece) => to.forward(piece, () => from.passed(piece.length)),
    closed: () => to.closeNow(),
    aborted: (reason) => to.abortNow(reason),
  });
}
