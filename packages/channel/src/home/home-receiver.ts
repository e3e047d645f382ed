import type { CircuitError } from '@circuit/base';
import { End, type EndKind, movedError } from '../local/end.js';
import { iterateMessages } from '../local/iterate.js';
import type { RawReceiver } from '../local/raw.js';
import { reasonError } from '../local/reason-error.js';
import type { InMessage } from '../session/in-message.js';
import type { ReceiveOptions, ReceiveResult, Receiver } from '../types.js';
import { HomeIn, type LocalIn } from './home-in.js';

interface LocalReceiver extends Receiver, RawReceiver, LocalIn {
  demand(
    options: ReceiveOptions,
    resolve: (result: ReceiveResult) => void,
    reject: (error: CircuitError) => void,
  ): void;
  regain(): End;
}

class HomeMessages extends HomeIn<InMessage, LocalReceiver, ReceiveOptions, ReceiveResult> {
  protected readonly end: ReceiveResult = { done: true };

  protected tryFar(far: InMessage, { returns }: ReceiveOptions): ReceiveResult | undefined {
    return far.tryReceiveNow(returns !== false);
  }

  protected isEnd(result: ReceiveResult): boolean {
    return result.done;
  }

  protected tryHere(local: LocalReceiver, { returns }: ReceiveOptions): ReceiveResult | undefined {
    return local.tryReceive({ returns: returns !== false });
  }

  protected demandHere(local: LocalReceiver, ...demand: Parameters<LocalReceiver['demand']>): void {
    local.demand(...demand);
  }
}

/** A receiver of this process that came home: what left before comes first. */
export class HomeReceiver extends End implements Receiver, RawReceiver {
  readonly endKind: EndKind = 'receiver';
  readonly #messages: HomeMessages;
  #moved = false;

  private constructor(messages: HomeMessages) {
    super();
    this.#messages = messages;
  }

  static of(...parts: ConstructorParameters<typeof HomeMessages>): HomeReceiver {
    return new HomeReceiver(new HomeMessages(...parts));
  }

  begin(): void {
    this.#messages.begin();
  }

  get home(): LocalIn | undefined {
    return this.#messages.home;
  }

  get finished(): Promise<void> {
    return this.#messages.finished;
  }

  receive(options: ReceiveOptions = {}): Promise<ReceiveResult> {
    return this.#moved ? Promise.reject(movedError()) : this.#messages.take(options);
  }

  relay(): void {
    this.#messages.relay();
  }

  relayDone(): void {
    this.#messages.relayDone();
  }

  receiveNow(options: ReceiveOptions): Promise<ReceiveResult> {
    return this.#messages.take(options);
  }

  demand(...demand: Parameters<LocalReceiver['demand']>): void {
    this.#messages.demand(...demand);
  }

  tryReceive(options: ReceiveOptions = {}): ReceiveResult | undefined {
    if (this.#moved) throw movedError();
    return this.#messages.tryTake(options);
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<unknown> {
    return iterateMessages(this);
  }

  cancel(reason?: unknown): void {
    if (!this.#moved) this.cancelNow(reasonError(reason, 'cancelled by the receiver'));
  }

  cancelNow(reason: CircuitError): void {
    this.#messages.cancelNow(reason);
  }

  onReadable(run: () => void): () => void {
    return this.#messages.onReadable(run);
  }

  move(): void {
    if (this.#moved) throw movedError();
    this.#moved = true;
    this.turnAway();
  }

  turnAway(): void {
    this.#messages.turnAway();
  }

  override regain(): End {
    const { home } = this.#messages;
    if (home !== undefined) return home.regain();
    this.#messages.dismiss();
    return new HomeReceiver(this.#messages);
  }
}
