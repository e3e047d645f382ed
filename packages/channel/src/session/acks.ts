import { CircuitError, onAbort } from '@circuit/base';
import { Deque } from '../local/deque.js';
import { loss } from '../local/loss.js';

interface AwaitedAck {
  /** The message's number on its channel. */
  readonly index: number;
  readonly resolve: () => void;
  readonly reject: (error: CircuitError) => void;
  release: (() => void) | undefined;
}

/** The messages of one channel that are written and that the receiver has not taken yet, where somebody waits for that. */
export class Acks {
  readonly #awaited = new Deque<AwaitedAck>();

  get size(): number {
    return this.#awaited.length;
  }

  /** Calls `resolve` when the receiver has taken the message with number `index`, which is the one written last. */
  await(
    index: number,
    resolve: () => void,
    reject: (error: CircuitError) => void,
    signal: AbortSignal | undefined,
  ): void {
    const ack: AwaitedAck = { index, resolve, reject, release: undefined };
    this.#awaited.push(ack);
    if (signal === undefined) return;
    ack.release = onAbort(signal, () => {
      if (!this.#awaited.remove(ack)) return;
      reject(new CircuitError('outcome-unknown', 'written, but given up before it was acknowledged'));
    });
  }

  /** The receiver has taken `count` messages in all. */
  taken(count: number): void {
    for (let ack = this.#awaited.first(); ack !== undefined && ack.index <= count; ack = this.#awaited.first()) {
      this.#awaited.shift();
      ack.release?.();
      ack.resolve();
    }
  }

  /** No ACK will come any more. `refused`: by the receiver, who has taken nothing more. */
  fail(reason: CircuitError, refused: boolean): void {
    const error =
      refused && loss(reason) !== reason
        ? reason
        : new CircuitError('outcome-unknown', reason.message, { cause: reason });
    for (const ack of this.#awaited.drain()) {
      ack.release?.();
      ack.reject(error);
    }
  }
}
