import { CircuitError, type Clock } from '@circuit/base';
import {
  type ChanState,
  type ChanWaiter,
  maxWaitersShown,
  type RecvResponse,
  type RequestOf,
  type SendResponse,
} from '@circuit/protocol';
import type { Call } from '../../dispatch/call.js';
import type { Element, Operations, Place } from '../element.js';
import type { HeldBudget } from './held-budget.js';
import type { Line } from './line.js';
import { Matcher, type Offer, type Taker } from './matcher.js';
import { Receiving } from './receiving.js';
import { Sending } from './sending.js';

export interface ChanOptions {
  readonly place: Pick<Place, 'path'>;
  readonly capacity: number;
  readonly clock: Clock;
  readonly budget: HeldBudget;
  /** Senders, and receivers, that may wait at once. */
  readonly maxWaiters: number;
}

/** A channel with Go's semantics whose sends tell the truth; {@link Matcher} holds the rules. */
export class ChanElement implements Element {
  readonly kind = 'chan';
  readonly operations: Operations = {
    send: (body, call) => this.#send(body, call),
    recv: (_body, call) => this.#recv(call),
    close: () => this.#close(),
    stat: () => this.peek(),
  };
  readonly #matcher: Matcher;
  readonly #options: ChanOptions;
  readonly #nothingMore = new CircuitError('closed', 'the message was acknowledged');

  constructor(options: ChanOptions) {
    this.#options = options;
    this.#matcher = new Matcher(options.capacity);
  }

  peek(): ChanState {
    const { capacity, closed, aborted, numSend, numRecv, placed, waiting, takers, handedOut } = this.#matcher;
    let buffered = 0;
    let bufferedBytes = 0;
    for (const offer of placed) {
      if (offer.whole) buffered++;
      bufferedBytes += offer.heldBytes;
    }
    for (const offer of handedOut) bufferedBytes += offer.heldBytes;
    return {
      Cap: capacity,
      Closed: closed,
      Aborted: aborted,
      NumSend: numSend,
      NumRecv: numRecv,
      Buffered: buffered,
      BufferedBytes: bufferedBytes,
      Senders: shown(waiting),
      Receivers: shown(takers),
    };
  }

  scrub(): void {
    this.#matcher.abort(new CircuitError('aborted', `the channel ${this.#options.place.path} was scrubbed`));
  }

  release(reason: CircuitError): void {
    this.#matcher.abort(reason);
  }

  #send({ content }: RequestOf<'send'>, call: Call<'send'>): Promise<SendResponse> {
    const matcher = this.#matcher;
    const { clock, budget, maxWaiters, place } = this.#options;
    if (matcher.closed) throw new CircuitError('closed', `send ${place.path}: channel closed`);
    if (matcher.waiting.length >= maxWaiters)
      throw new CircuitError('limit', `send ${place.path}: ${maxWaiters} senders wait already`, { retryable: true });
    const sending = new Sending(matcher, budget, content, call, clock.wall());
    matcher.offer(sending);
    if (!sending.counted) call.onGone(() => sending.withdraw());
    return sending.result;
  }

  #recv(call: Call<'recv'>): Promise<RecvResponse> {
    const matcher = this.#matcher;
    const { clock, maxWaiters, place } = this.#options;
    if (matcher.takers.length >= maxWaiters)
      throw new CircuitError('limit', `recv ${place.path}: ${maxWaiters} receivers wait already`, { retryable: true });
    const receiving = new Receiving(matcher, place.path, call, clock.wall(), this.#nothingMore);
    matcher.take(receiving);
    call.onGone(() => receiving.withdraw());
    return receiving.result;
  }

  #close(): Record<string, never> {
    if (!this.#matcher.close())
      throw new CircuitError('conflict', `close ${this.#options.place.path}: channel is closed already`, {
        detail: 'closed',
      });
    return {};
  }
}

function shown(line: Line<Offer> | Line<Taker>): readonly ChanWaiter[] {
  const waiters: ChanWaiter[] = [];
  for (const { waiter } of line) {
    if (waiters.length === maxWaitersShown) break;
    waiters.push(waiter);
  }
  return waiters;
}
