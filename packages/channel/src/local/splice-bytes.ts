import { pooledCopy } from './buffer-pool.js';
import { ChunkQueue } from './chunk-queue.js';
import { type ByteSink, type ByteSource, isByteSink, isByteSource } from './raw.js';

/** So many pieces are with the sink at a time: what comes behind them is gathered, for a piece may have one byte. */
export const maxPassing = 64;

/** Passes all that arrives on `from` on to `to` without a promise for each chunk, where both can do so; answers whether they can. */
export function spliceBytes(from: object, to: object): boolean {
  if (!isByteSource(from) || !isByteSink(to)) return false;
  splice(from, to);
  return true;
}

function splice(from: ByteSource, to: ByteSink): void {
  const refusal = to.sendRefusal;
  if (refusal !== undefined) {
    from.cancelNow(refusal);
    return;
  }
  const gathered = new ChunkQueue();
  let passing = 0;
  let handing = false;
  let ended = false;
  let cut = false;
  const give = (piece: Uint8Array): void => {
    const refused = to.sendRefusal;
    if (refused !== undefined) {
      // A session that is being closed still says what it has: an end behind that would say that it was all.
      cut = true;
      from.cancelNow(refused);
    }
    passing++;
    to.forward(piece, () => {
      passing--;
      from.passed(piece.length);
      if (!gathered.empty) giveMore();
    });
  };
  const close = (): void => {
    if (!cut) to.closeNow();
  };
  const giveMore = (): void => {
    // What a sink takes at once calls back from in here.
    if (handing) return;
    handing = true;
    while (passing < maxPassing && !gathered.empty) give(gathered.shift() as Uint8Array);
    handing = false;
    if (ended && gathered.empty) close();
  };
  to.attach({ cancelled: (reason) => from.cancelNow(reason), done: () => from.relayDone() });
  from.attach({
    bytes(piece, owned) {
      if (passing < maxPassing && gathered.empty) give(owned ? piece : pooledCopy(piece, to.reusable === true));
      else gathered.push(piece, owned);
    },
    closed() {
      ended = true;
      if (gathered.empty) close();
    },
    aborted: (reason) => to.abortNow(reason),
  });
}
