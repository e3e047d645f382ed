import { CircuitError, type Deferred, deferred } from '@circuit/base';
import { End, type EndKind, movedError } from '../local/end.js';
import { loss } from '../local/loss.js';
import type { SinkTap } from '../local/raw.js';
import { reasonError } from '../local/reason-error.js';
import { Waiters } from '../local/waiters.js';
import * as frameType from '../wire/frame-type.js';
import type { Entry } from './entry.js';
import type { Link } from './link.js';
import { writeReason } from './reason.js';
import type { Turn } from './writer.js';

/** Where the sending half stands: nothing follows after `closing`; `ended` has said its last word and knows the failure, if any. */
type State = 'open' | 'closing' | 'ended';

/**
 * The sending half of a channel or stream: what messages and bytes have in common.
 *
 *     open ─close()─▶ closing ─queue empty: CLOSE─▶ ended ─DONE/CANCEL from the peer─▶ over
 *     open | closing ─abort(): ABORT | CANCEL from the peer: CLOSE─▶ ended
 */
export abstract class OutHalf extends End implements Turn {
  abstract override readonly endKind: EndKind;
  readonly link: Link;
  readonly entry: Entry;
  protected credit = 0;
  state: State = 'open';
  failure: CircuitError | undefined;
  protected tap: SinkTap | undefined;
  #waiters: Waiters | undefined;
  #peerFinal = false;
  #enlisted = false;
  /** The holder has given it away. */
  moved = false;
  #finished: Deferred | undefined;

  constructor(link: Link, entry: Entry) {
    super();
    this.link = link;
    this.entry = entry;
  }

  /** Whether both sides have said that this direction is over. */
  get over(): boolean {
    return this.state === 'ended' && this.#peerFinal;
  }

  get closed(): Promise<void> {
    if (this.#finished === undefined) {
      this.#finished = deferred();
      this.#finished.promise.catch(ignore);
      if (this.failure !== undefined) this.#finished.reject(this.failure);
      else if (this.over) this.#finished.resolve();
    }
    return this.#finished.promise;
  }

  onWritable(run: () => void): () => void {
    // With credit and nothing queued only a turn of the writer can tell that the carrier has room again.
    if (!this.#enlisted && this.entry.announced && this.link.writer.saturated) {
      this.#enlisted = true;
      this.link.writer.enlist(this);
    }
    this.#waiters ??= new Waiters();
    return this.#waiters.add(run);
  }

  move(): void {
    this.checkHeld();
    this.moved = true;
    this.notifyWritable();
  }

  close(): void {
    if (!this.moved) this.closeNow();
  }

  abort(reason?: unknown): void {
    if (!this.moved) this.abortNow(reasonError(reason, 'aborted by the sender'));
  }

  /** A relay takes the half over. */
  attach(tap: SinkTap): void {
    this.tap = tap;
    if (this.failure !== undefined) tap.cancelled(this.failure);
  }

  closeNow(): void {
    if (this.state !== 'open') return;
    this.state = 'closing';
    if (this.idle) this.#sayClose();
    else this.arise();
  }

  abortNow(reason: CircuitError): void {
    if (this.state === 'ended') return;
    this.state = 'ended';
    this.#end(reason);
    if (this.entry.announced && this.link.refusal === undefined) {
      writeReason(this.link.writer, frameType.abort, this.entry.id, reason);
    }
  }

  /** The entry was just announced: `credit` may be used, and what was held back goes out. */
  announced(credit: number): void {
    this.credit = credit;
    if (this.state === 'ended') {
      const reason = this.failure ?? new CircuitError('aborted', 'aborted by the sender');
      writeReason(this.link.writer, frameType.abort, this.entry.id, reason);
    } else if (this.state === 'closing' && this.idle) this.#sayClose();
    else this.arise();
  }

  /** CREDIT. */
  granted(bytes: number): void {
    this.credit += bytes;
    this.arise();
  }

  /** DONE: the receiver has read to the end; answers with the fault if there was no end yet. */
  done(): string | undefined {
    if (this.state !== 'ended') return `DONE on channel ${this.entry.id} before its end`;
    this.#peerFinal = true;
    this.allTaken();
    this.tap?.done();
    if (this.failure === undefined) this.#finished?.resolve();
    this.settle();
    return undefined;
  }

  /** CANCEL: the receiver wants no more. */
  cancelled(reason: CircuitError): void {
    this.#peerFinal = true;
    if (this.state !== 'ended') {
      this.state = 'ended';
      this.link.writer.begin(frameType.close, this.entry.id);
    }
    this.#end(reason, true);
    this.settle();
  }

  /** The session is gone. */
  fail(reason: CircuitError): void {
    if (this.over && this.failure === undefined) return;
    this.state = 'ended';
    this.#end(reason, false, this.tap && loss(reason));
  }

  writeNext(): boolean {
    this.#enlisted = false;
    if (!this.entry.announced || !this.writeFrame()) {
      if (this.idle) this.#waiters?.notify();
      return false;
    }
    if (this.state === 'closing' && this.idle) {
      this.#sayClose();
      return false;
    }
    this.#enlisted = this.ready;
    return this.#enlisted;
  }

  /** Whether nothing is queued. */
  protected abstract readonly idle: boolean;
  /** Whether the next frame could be written now. */
  protected abstract readonly ready: boolean;
  /** Writes the next frame if its credit is here; answers whether it did. */
  protected abstract writeFrame(): boolean;
  /** Drops what is queued, telling everybody who waits. `refused`: by the receiver, who has taken nothing more. */
  protected abstract dropQueue(reason: CircuitError, refused: boolean): void;

  /** The receiver has taken everything that was sent. */
  protected allTaken(): void {
    // Nobody waits for the bytes of a stream to be taken, only `closed` does.
  }

  /** Asks for a turn if there is something to write, and tells who waits for room. */
  protected arise(): void {
    if (this.ready && !this.#enlisted) {
      this.#enlisted = true;
      this.link.writer.enlist(this);
    }
    if (this.idle) this.#waiters?.notify();
  }

  protected notifyWritable(): void {
    this.#waiters?.notify();
  }

  /** Throws if the holder has given the end away. */
  protected checkHeld(): void {
    if (this.moved) throw movedError();
  }

  /** What a send fails with now; `undefined` if it may go on. */
  get sendRefusal(): CircuitError | undefined {
    if (this.failure !== undefined) return this.failure;
    if (this.state !== 'open') return new CircuitError('closed', 'send on a closed channel');
    return this.link.refusal;
  }

  #sayClose(): void {
    if (!this.entry.announced) return;
    this.state = 'ended';
    this.link.writer.begin(frameType.close, this.entry.id);
    this.#waiters?.notify();
    this.settle();
  }

  #end(reason: CircuitError, refused = false, told: CircuitError = reason): void {
    if (this.failure !== undefined) return;
    this.failure = reason;
    this.dropQueue(reason, refused);
    this.tap?.cancelled(told);
    this.#finished?.reject(reason);
    this.#waiters?.notify();
  }

  /** A close that was waiting for the queue is said once the queue is empty. */
  protected closeIfIdle(): void {
    if (this.state === 'closing' && this.idle) this.#sayClose();
  }

  protected settle(): void {
    if (this.entry.announced && this.entry.over) this.link.retire(this.entry);
  }
}

function ignore(): void {}
