import { CircuitError, type Logger, toCircuitError } from '@circuit/base';
import type { Receiver, Sender } from '@circuit/channel';
import { allows, type AnyRequest, parseRequest, type VerbName, verbs } from '@circuit/protocol';
import type { Caller } from '../session/caller.js';
import { Call } from './call.js';
import { discard } from './ends.js';
import type { Verbs } from './verbs.js';

/** Serves the requests of one session, whatever channels they come by. */
export class Requests {
  readonly #verbs: Verbs;
  readonly #maxInFlight: number;
  readonly #logger: Logger;
  readonly #calls = new Set<Call>();
  readonly #over = (call: Call): void => {
    this.#calls.delete(call);
  };

  constructor(verbTable: Verbs, maxInFlight: number, logger: Logger) {
    this.#verbs = verbTable;
    this.#maxInFlight = maxInFlight;
    this.#logger = logger;
  }

  /** How many requests are not yet answered. */
  get inFlight(): number {
    return this.#calls.size;
  }

  /** Serves every request of `receiver` on behalf of `caller`; resolves at the channel's end. */
  async serve(receiver: Receiver, caller: Caller): Promise<void> {
    try {
      for (;;) {
        const received = receiver.tryReceive() ?? (await receiver.receive());
        if (received.done) return;
        this.#take(received.value, received.ret, caller);
      }
    } catch (error) {
      // The channel was aborted, held no message, or its session is gone: the calls hear of it by their own channels.
      this.#logger.debug('a channel of requests ended', {
        from: caller.address,
        reason: toCircuitError(error).message,
      });
    }
  }

  /** The session is gone, and with it everybody who asked. */
  withdrawAll(): void {
    for (const call of [...this.#calls]) call.gone();
  }

  #take(value: unknown, ret: Sender, caller: Caller): void {
    const call = new Call(caller, ret, this.#over);
    this.#calls.add(call);
    const parsed = parseRequest(value);
    const refusal = parsed.ok ? this.#refusal(parsed.value.verb, caller) : parsed.error;
    if (!parsed.ok || refusal !== undefined) {
      call.fail(refusal);
      discard(value, refusal);
      return;
    }
    this.#run(parsed.value, call);
  }

  #refusal(verb: VerbName, caller: Caller): CircuitError | undefined {
    if (!allows(caller.right, verbs[verb].right))
      return new CircuitError('denied', `${verb}: this key may only look; it needs the full key`);
    if (this.#calls.size <= this.#maxInFlight) return undefined;
    const message = `${verb}: ${this.#maxInFlight} requests of this session wait for an answer`;
    return new CircuitError('limit', message, { retryable: true });
  }

  #run(request: AnyRequest, call: Call): void {
    let result: unknown;
    try {
      result = this.#verbs.run(request, call);
    } catch (error) {
      this.#fail(request, call, error);
      return;
    }
    if (!(result instanceof Promise)) {
      call.answer(result as never);
      return;
    }
    result.then(
      (value) => call.answer(value as never),
      (error: unknown) => this.#fail(request, call, error),
    );
  }

  #fail({ verb, body }: AnyRequest, call: Call, error: unknown): void {
    const failure = toCircuitError(error);
    if (failure.code === 'internal') {
      this.#logger.error('a request failed in an unforeseen way', { verb, error: failure.cause ?? failure });
    }
    call.fail(failure);
    discard(body, failure);
  }
}
