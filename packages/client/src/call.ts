import { abortError, CircuitError, toCircuitError, type WaitOptions } from '@circuit/base';
import type { Receiver, Sender } from '@circuit/channel';
import { type EventOf, parseReply, type ResponseOf, type VerbName, verbs } from '@circuit/protocol';

/** The detail of a `not-found` that speaks of a server, not of an anchor. */
export const noServer = 'server';

/** What a {@link Call} hears: an event, with the channel its answer goes to, or the result that ends it. */
export type Heard<V extends VerbName> =
  | { readonly type: 'event'; readonly event: EventOf<V>; readonly ret: Sender }
  | { readonly type: 'result'; readonly result: ResponseOf<V> };

/** What a {@link Call} knows of the channel its request went by. */
export interface Route {
  /** Why the channel failed, once it has: waits for that at most a moment. */
  failure(): Promise<CircuitError | undefined>;
}

/** One request under way. Read it with `next` to its result, or `cancel` it. */
export class Call<V extends VerbName> {
  readonly #verb: V;
  readonly #where: string;
  readonly #receiver: Receiver;
  readonly #route: Route;

  constructor(verb: V, where: string, receiver: Receiver, route: Route) {
    this.#verb = verb;
    this.#where = where;
    this.#receiver = receiver;
    this.#route = route;
  }

  /**
   * The next event, or the result. Rejects with the server's failure; with `outcome-unknown` or `peer-gone` when the link
   * was lost; given up by its signal the call is cancelled as a whole.
   */
  async next({ signal }: WaitOptions = {}): Promise<Heard<V>> {
    let message;
    try {
      message = await this.#receiver.receive({ signal });
    } catch (error) {
      if (signal?.aborted !== true) throw await this.#lost(toCircuitError(error));
      this.cancel(abortError(signal));
      throw abortError(signal);
    }
    if (message.done) throw await this.#lost(new CircuitError('peer-gone', 'the answer broke off'));
    const reply = parseReply(this.#verb, message.value);
    if (!reply.ok) {
      this.cancel(reply.error);
      throw new CircuitError('protocol', `${this.#what}: ${reply.error.message}`, { cause: reply.error });
    }
    switch (reply.value.type) {
      case 'event':
        return { type: 'event', event: reply.value.event, ret: message.ret };
      case 'result':
        message.ret.close();
        return { type: 'result', result: reply.value.result };
      case 'failure':
        message.ret.close();
        throw reply.value.error;
    }
  }

  /** The result, for a call whose events say nothing that its caller needs. */
  async result(options: WaitOptions = {}): Promise<ResponseOf<V>> {
    for (;;) {
      const heard = await this.next(options);
      if (heard.type === 'result') return heard.result;
      heard.ret.close();
    }
  }

  /** Gives the call up: the server withdraws what is not done. Nothing happens after the result. */
  cancel(reason?: unknown): void {
    this.#receiver.cancel(reason);
  }

  get #what(): string {
    return `${this.#verb} ${this.#where}`;
  }

  async #lost(error: CircuitError): Promise<CircuitError> {
    // The request itself was not taken: the channel it went by knows why, and nothing has been done.
    if (error.code === 'undelivered') return notSent(this.#what, (await this.#route.failure()) ?? error);
    return linkLost(this.#verb, this.#what, error);
  }
}

/** How a request reads that certainly reached nobody, so that nothing has been done. */
export function notSent(what: string, reason: CircuitError): CircuitError {
  switch (reason.code) {
    case 'not-found':
      // Told apart from an anchor that is not there: here it is the server.
      return new CircuitError('not-found', reason.message, { cause: reason, detail: noServer });
    case 'undelivered':
    case 'aborted':
    case 'cancelled':
      return new CircuitError('peer-gone', `${what}: not delivered: ${reason.message}`, {
        cause: reason,
        retryable: true,
      });
    default:
      return reason;
  }
}

function linkLost(verb: VerbName, what: string, reason: CircuitError): CircuitError {
  if (verbs[verb].repeatable)
    return new CircuitError('peer-gone', `${what}: link lost: ${reason.message}`, { cause: reason, retryable: true });
  return new CircuitError(
    'outcome-unknown',
    `${what}: link lost before the answer, it may have been done: ${reason.message}`,
    {
      cause: reason,
    },
  );
}
