import type { ByteSink, ByteSource } from '../local/raw.js';
import { dataFlag, maxBodyBytes } from '../wire/frame.js';
import type { OutReference } from './data-frame.js';
import type { Entry } from './entry.js';
import { type InPiece, InMessage } from './in-message.js';
import { InDescriptor } from './lane.js';
import type { OutBytes } from './out-bytes.js';
import type { OutMessage } from './out-message.js';
import type { RawPiece } from './raw-piece.js';

/**
 * Passes all that arrives on `from` on to `to`, frame by frame and undecoded: return channels, nested channels and streams
 * are spliced in turn. A relay grants credit as it forwards; acknowledgements, cancels and the end travel end to end.
 */
export function spliceMessages(from: InMessage, to: OutMessage): void {
  const refusal = to.sendRefusal;
  if (refusal !== undefined) {
    from.cancelNow(refusal);
    return;
  }
  // The number of the message under way, as the peer of `from` counts them.
  let count = from.taken;
  to.attach({ cancelled: (reason) => from.cancelNow(reason), done: () => from.relayDone() });
  from.attach({
    piece(piece, first, cost) {
      if (first) count++;
      const number = count;
      const taken = (piece.flags & dataFlag.ack) === 0 ? undefined : () => from.acknowledge(number);
      const refs = piece.refs?.map((entry) => spliceEntry(entry, to));
      if (piece.body.length <= maxBodyBytes) {
        const { flags, total, body } = piece;
        to.forward({ flags, total, refs, first, body, taken }, () => from.passed(cost));
        return;
      }
      const pieces = [...rawPieces(piece, first, refs, taken)];
      const last = pieces.length - 1;
      pieces.forEach((raw, i) => to.forward(raw, i === last ? () => from.passed(cost) : nothing));
    },
    dropped: () => to.forwardDrop(),
    closed: () => to.closeNow(),
    aborted: (reason) => to.abortNow(reason),
  });
}

/** {@link spliceMessages} for byte streams, of sessions and others. */
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

/** The reference on the session of `carrier` that stands for `entry`, spliced to it in both directions. */
function spliceEntry(entry: Entry, carrier: OutMessage): OutReference {
  if (entry.in instanceof InDescriptor) return carrier.maker.referDescriptor(entry.in.descriptor, carrier.codec);
  const onward = carrier.maker.makeEntry(entry.kind, carrier.codec);
  joinHalves(entry, onward);
  joinHalves(onward, entry);
  return { entry: onward, home: entry };
}

function joinHalves(from: Entry, to: Entry): void {
  if (from.in === undefined || to.out === undefined) return;
  if (from.in instanceof InMessage) spliceMessages(from.in, to.out as OutMessage);
  else spliceBytes(from.in, to.out as OutBytes);
}

/** A message that was reassembled here, cut again into pieces that frames may carry. */
function* rawPieces(
  piece: InPiece,
  first: boolean,
  refs: readonly OutReference[] | undefined,
  taken: (() => void) | undefined,
): Generator<RawPiece> {
  const { body, flags } = piece;
  for (let at = 0; at < body.length; at += maxBodyBytes) {
    const last = at + maxBodyBytes >= body.length;
    const head = first && at === 0;
    yield {
      flags: (head ? flags : 0) | (last ? flags & dataFlag.more : dataFlag.more),
      total: head ? body.length : 0,
      refs: head ? refs : undefined,
      first: head,
      taken: head ? taken : undefined,
      body: body.subarray(at, at + maxBodyBytes),
    };
  }
}

function nothing(): void {}
