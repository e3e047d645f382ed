import { CircuitError, type Deferred, deferred, toCircuitError } from '@circuit/base';
import { type ChanWaiter, type Content, maxHeldBytes, type SendResponse } from '@circuit/protocol';
import type { Call } from '../../dispatch/call.js';
import { discard, measure } from '../../dispatch/ends.js';
import { whoIs } from '../../session/caller.js';
import type { HeldBudget } from './held-budget.js';
import { Intake } from './intake.js';
import { type Matcher, Offer } from './matcher.js';

/** A message with the sender that waits for its fate. */
export class Sending extends Offer {
  readonly call: Call<'send'>;
  readonly content: Content;
  readonly sinceMs: number;
  readonly #matcher: Matcher;
  readonly #budget: HeldBudget;
  readonly #intake: Intake | undefined;
  /** Of a message that came in one piece. */
  readonly #pieceBytes: number;
  readonly #holdsEnds: boolean;
  readonly #result: Deferred<SendResponse> = deferred();
  #budgeted = 0;

  constructor(matcher: Matcher, budget: HeldBudget, content: Content, call: Call<'send'>, sinceMs: number) {
    super();
    this.#matcher = matcher;
    this.#budget = budget;
    this.content = content;
    this.call = call;
    this.sinceMs = sinceMs;
    if (content.type === 'whole') {
      this.#pieceBytes = content.bytes.length;
      this.#holdsEnds = false;
    } else if (content.type === 'bytes') {
      this.#pieceBytes = 0;
      this.#holdsEnds = false;
      this.#intake = new Intake(content.source, budget, {
        whole: () => matcher.heldWhole(this),
        failed: (reason) => this.#sourceFailed(reason),
        refused: () => {
          if (this.taker !== undefined) matcher.giveBack(this.taker, this.canGoAgain);
        },
      });
    } else {
      const { bytes, holdsEnds } = measure(content.value);
      this.#pieceBytes = bytes;
      this.#holdsEnds = holdsEnds;
    }
  }

  get waiter(): ChanWaiter {
    return { Who: whoIs(this.call.caller), Since: new Date(this.sinceMs).toISOString() };
  }

  /** How the send ends. */
  get result(): Promise<SendResponse> {
    return this.#result.promise;
  }

  /** The stream of the message, if it is one. */
  get intake(): Intake | undefined {
    return this.#intake;
  }

  /** Bytes of the message as far as they have come. */
  get bytes(): number {
    return this.#intake?.total ?? this.#pieceBytes;
  }

  /** Bytes that the channel holds of it. */
  get heldBytes(): number {
    return this.#intake?.heldBytes ?? this.#pieceBytes;
  }

  /** Whether another receiver could have it from its beginning; ends of channels move with the first. */
  get canGoAgain(): boolean {
    return this.#intake?.intact ?? !this.#holdsEnds;
  }

  /** Whether all bytes have come from the sender. */
  get complete(): boolean {
    return this.#intake?.ended ?? true;
  }

  accepted(by: 'buffer' | 'receiver'): void {
    // What came in one piece is here already, so nobody waits to begin with it: only its end is worth a message.
    if (this.#intake !== undefined) {
      this.call.event({ type: 'accepted', by }).catch(ignore);
      this.#intake.start();
    } else if (by === 'buffer' && this.#mayBuffer()) this.#matcher.heldWhole(this);
  }

  buffered(): void {
    this.#result.resolve({ outcome: 'buffered', bytes: this.bytes });
  }

  taken(): void {
    if (this.#intake === undefined) return;
    this.call.event({ type: 'taken' }).catch(ignore);
  }

  acknowledged(): void {
    const { bytes } = this;
    this.#forget();
    this.#result.resolve({ outcome: 'acknowledged', bytes });
  }

  returned(again: boolean): void {
    const bytes = this.#intake?.passed ?? this.#pieceBytes;
    const reason = new CircuitError('peer-gone', `the receiver has gone after ${bytes} bytes`, {
      detail: 'receiver-gone',
    });
    if (!this.counted) this.call.event({ type: 'receiver-gone', bytes, again }).catch(ignore);
    this.#intake?.detach(reason);
    if (!again) this.#end(reason);
  }

  aborted(reason: CircuitError): void {
    this.#end(reason);
  }

  /** The sender's client has gone before its answer. */
  withdraw(): void {
    this.#matcher.withdraw(this);
    if (this.state === 'over') this.#end(new CircuitError('cancelled', 'the sender has given up'));
    else if (this.state === 'matched' && !this.complete) {
      this.#sourceFailed(new CircuitError('peer-gone', 'the sender has gone before the end of its message'));
    }
  }

  #mayBuffer(): boolean {
    if (this.#holdsEnds || this.#pieceBytes > maxHeldBytes) return false;
    if (!this.#budget.take(this.#pieceBytes)) return false;
    this.#budgeted = this.#pieceBytes;
    return true;
  }

  #sourceFailed(cause: unknown): void {
    const { code, message } = toCircuitError(cause);
    const error = new CircuitError(code === 'cancelled' ? 'aborted' : code, `the sender's stream failed: ${message}`);
    this.#matcher.fail(this, error);
    this.#end(error);
  }

  #end(reason: CircuitError): void {
    this.#intake?.release(reason);
    if (this.content.type === 'value') discard(this.content.value, reason);
    this.#forget();
    this.#result.reject(reason);
  }

  #forget(): void {
    this.#intake?.forget();
    this.#budget.give(this.#budgeted);
    this.#budgeted = 0;
  }
}

function ignore(): void {}
