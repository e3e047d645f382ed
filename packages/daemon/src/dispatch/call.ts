import { CircuitError, toCircuitError } from '@circuit/base';
import type { Receiver, Sender } from '@circuit/channel';
import { type EventOf, eventReply, failureReply, type ResponseOf, resultReply, type VerbName } from '@circuit/protocol';
import type { Caller } from '../session/caller.js';

/**
 * One request under way, as its handler sees it. It is over with its one answer, or when the client has gone: then
 * everything that waits for it is withdrawn and nothing more is said.
 */
export class Call<V extends VerbName = VerbName> {
  readonly caller: Caller;
  readonly #ret: Sender;
  readonly #over: (call: Call) => void;
  #state: 'open' | 'answered' | 'gone' = 'open';
  #goneRuns: (() => void)[] | undefined;
  #controller: AbortController | undefined;
  #watching = false;

  /** `over` is called once, when the call needs no more care. */
  constructor(caller: Caller, ret: Sender, over: (call: Call) => void) {
    this.caller = caller;
    this.#ret = ret;
    this.#over = over;
  }

  /** Whether the client can still hear an answer. */
  get open(): boolean {
    return this.#state === 'open';
  }

  /** Fires when the client has gone. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      const controller = new AbortController();
      this.#controller = controller;
      this.onGone(() => controller.abort(new CircuitError('cancelled', 'the client has gone')));
    }
    return this.#controller.signal;
  }

  /** Calls `run` once when the client goes before its answer; at once if it has. */
  onGone(run: () => void): void {
    if (this.#state === 'gone') {
      run();
      return;
    }
    this.#goneRuns ??= [];
    this.#goneRuns.push(run);
    if (this.#watching) return;
    this.#watching = true;
    this.#ret.closed.catch(() => this.gone());
  }

  /** Tells the client `event`; resolves when there is room for more. Rejects when the client has gone. */
  event(event: EventOf<V>): Promise<void> {
    return this.#ret.send(eventReply<V>(event));
  }

  /** Tells the client `event` and resolves to the channel of its answers. */
  ask(event: EventOf<V>): Promise<Receiver> {
    return this.#ret.send(eventReply<V>(event), { returns: true });
  }

  /** Ends the request well. */
  answer(result: ResponseOf<V>): void {
    this.#say(resultReply<V>(result));
  }

  /** Ends the request with `error`. */
  fail(error: unknown): void {
    this.#say(failureReply(toCircuitError(error)));
  }

  /** The client has gone. */
  gone(): void {
    if (this.#state !== 'open') return;
    this.#state = 'gone';
    const runs = this.#goneRuns ?? [];
    this.#goneRuns = undefined;
    this.#ret.abort(new CircuitError('cancelled', 'withdrawn'));
    this.#over(this);
    for (const run of runs) run();
  }

  #say(reply: unknown): void {
    if (this.#state !== 'open') return;
    this.#state = 'answered';
    this.#goneRuns = undefined;
    // A client that does not listen any more has lost nothing but the answer.
    this.#ret.send(reply).catch(ignore);
    this.#ret.close();
    this.#over(this);
  }
}

function ignore(): void {}
