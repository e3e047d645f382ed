import type { CircuitError } from '@circuit/base';
import { loss } from '../local/loss.js';
import { pumpBytes } from '../local/pump.js';
import type { SinkTap } from '../local/raw.js';
import * as dataFlag from '../wire/data-flag.js';
import { maxBodyBytes } from '../wire/frame.js';
import type { OutReference } from './data-frame.js';
import type { Entry } from './entry.js';
import { InMessage, type InPiece, type InTap } from './in-message.js';
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
  const splice = new MessageSplice(from, to);
  to.attach(splice);
  from.attach(splice);
}

/** One object for all that the two halves say to one another: a relay makes one for every request that it passes on. */
class MessageSplice implements InTap, SinkTap {
  readonly #from: InMessage;
  readonly #to: OutMessage;
  /** A piece was refused: the end that may follow is not that of all that was sent. */
  #cut = false;
  /** A message that was passed on may have been taken, and nobody will say so any more. */
  #inDoubt = false;
  /** The number of the message under way, as the peer of `from` counts them. */
  #count: number;

  constructor(from: InMessage, to: OutMessage) {
    this.#from = from;
    this.#to = to;
    this.#count = from.taken;
  }

  /** A message that was reassembled here is cut again into pieces that frames may carry. */
  piece({ flags, total, refs, body }: InPiece, first: boolean, cost: number): void {
    const refusal = this.#to.sendRefusal;
    if (refusal !== undefined) {
      // A session that is being closed still says what it has.
      this.#cut = true;
      this.#from.cancelNow(refusal);
    }
    if (first) this.#count++;
    const joined = refs?.map((entry) => spliceEntry(entry, this.#to));
    const end = body.length;
    let head = first;
    for (let at = 0; ; at += maxBodyBytes) {
      const last = at + maxBodyBytes >= end;
      const more = last ? flags & dataFlag.more : dataFlag.more;
      const piece: RawPiece = {
        flags: head ? flags | more : more,
        total: head && more !== 0 ? total || end : 0,
        refs: head ? joined : undefined,
        first: head,
        body: end > maxBodyBytes ? body.subarray(at, at + maxBodyBytes) : body,
        taken: head && (flags & dataFlag.ack) !== 0 ? this.#acknowledging(this.#count) : undefined,
      };
      this.#to.forward(piece, this.#from, last ? cost : 0);
      if (last) return;
      head = false;
    }
  }

  dropped(): void {
    this.#to.forwardDrop();
  }

  closed(): void {
    if (!this.#cut) this.#to.closeNow();
  }

  aborted(reason: CircuitError): void {
    this.#to.abortNow(reason);
  }

  cancelled(reason: CircuitError): void {
    this.#from.cancelNow(this.#inDoubt ? loss(reason) : reason);
  }

  done(): void {
    this.#from.relayDone();
  }

  #acknowledging(number: number): (error?: CircuitError) => void {
    return (error) => {
      if (error === undefined) this.#from.acknowledge(number);
      else this.#inDoubt ||= error.code === 'outcome-unknown';
    };
  }
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
  else void pumpBytes(from.in, to.out as OutBytes);
}
