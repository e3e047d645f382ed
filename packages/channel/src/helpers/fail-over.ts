import { CircuitError, toCircuitError } from '@circuit/base';
import { nextTurn } from '../local/turn.js';
import type { Receiver, Sender, SendOptions } from '../types.js';

/** How one message goes through a fail-over stack. */
export interface FailOverOptions extends Omit<SendOptions, 'acknowledged' | 'returnTo'> {
  /** Send it again to the next back end also when the failing one may have taken it: for messages that do no harm twice. */
  readonly repeat?: boolean | undefined;
}

interface BackEnd<T> {
  readonly sender: Sender<T>;
  failed: boolean;
}

/**
 * A stack of back ends for one stream of messages: each goes to the newest one, a failing one is dropped for good, and the next is tried. A send
 * resolves when a back end has taken the message, so one that certainly was not taken moves on by itself, and one in doubt is given
 * to nobody else unless the caller says so.
 */
export class FailOver<T = unknown> {
  readonly #stack: BackEnd<T>[] = [];
  readonly #maxBackEnds: number;
  #closed = false;

  /** `maxBackEnds` (64 by default) bounds the stack. */
  constructor({ maxBackEnds = 64 }: { readonly maxBackEnds?: number | undefined } = {}) {
    this.#maxBackEnds = maxBackEnds;
  }

  /** How many back ends are left. */
  get size(): number {
    return this.#stack.length;
  }

  /** Takes `sender` over as the newest back end. Throws `limit` beyond the bound, `closed` after {@link close}. */
  push(sender: Sender<T>): void {
    if (this.#closed) throw new CircuitError('closed', 'fail-over: closed');
    if (this.#stack.length >= this.#maxBackEnds)
      throw new CircuitError('limit', `fail-over: ${this.#maxBackEnds} back ends are there`);
    const backEnd: BackEnd<T> = { sender, failed: false };
    this.#stack.push(backEnd);
    sender.closed.then(
      () => this.#drop(backEnd),
      () => this.#drop(backEnd),
    );
  }

  /**
   * Sends `value` to the newest back end that takes it; with `{ returns: true }` resolves to its return channel. Rejects with `unreachable`
   * when none is left, `outcome-unknown` when the message is in doubt, and with what is wrong with the message itself. Ends in
   * the value are spent by the first try.
   */
  send<A = unknown>(value: T, options: FailOverOptions & { readonly returns: true }): Promise<Receiver<A>>;
  send(value: T, options?: FailOverOptions & { readonly returns?: false | undefined }): Promise<void>;
  async send(value: T, { repeat = false, ...options }: FailOverOptions = {}): Promise<unknown> {
    if (this.#closed) throw new CircuitError('closed', 'fail-over: closed');
    let last: CircuitError | undefined;
    for (;;) {
      const backEnd = this.#stack.at(-1);
      if (backEnd === undefined) throw nobody(last);
      try {
        // With or without a return channel: what is asked for comes back.
        const asked = { ...options, acknowledged: true } as SendOptions & { readonly returns: true };
        return await backEnd.sender.send(value, asked);
      } catch (error) {
        last = toCircuitError(error);
        if (options.signal?.aborted === true) throw last;
        // The news of a channel's end comes in the same turn as that of the send.
        await new Promise<void>(nextTurn);
        if (!backEnd.failed && !saysGone(last)) throw last;
        this.#drop(backEnd);
        if (last.code === 'outcome-unknown' && !repeat) throw last;
      }
    }
  }

  /** Closes every back end behind what was sent. Idempotent. */
  close(): void {
    this.#closed = true;
    for (const { sender } of this.#stack.splice(0)) sender.close();
  }

  #drop(backEnd: BackEnd<T>): void {
    backEnd.failed = true;
    const at = this.#stack.indexOf(backEnd);
    if (at < 0) return;
    this.#stack.splice(at, 1);
    backEnd.sender.abort(new CircuitError('aborted', 'fail-over: dropped'));
  }
}

/** Whether the error speaks of the back end rather than of the message. */
function saysGone({ code }: CircuitError): boolean {
  return code === 'closed' || code === 'peer-gone' || code === 'outcome-unknown';
}

function nobody(last: CircuitError | undefined): CircuitError {
  const why = last === undefined ? 'none was given' : `the last one failed: ${last.message}`;
  return new CircuitError('unreachable', `fail-over: no back end is left: ${why}`, {
    retryable: true,
    ...(last === undefined ? {} : { cause: last }),
  });
}
