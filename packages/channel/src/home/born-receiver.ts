import type { CircuitError } from '@circuit/base';
import { dequeue, turnAwayAll } from '../local/demand.js';
import { InMessage } from '../session/in-message.js';
import type { ReceiveOptions, ReceiveResult } from '../types.js';
import type { Loop, LoopReceiver } from './loop.js';

/**
 * The receiver of answers that this process asked for. When the sender comes home, it takes first what came the long way, then what is
 * sent inside the process.
 *
 *     away ─the other side's clean end─▶ home
 */
export class BornReceiver extends InMessage {
  #given = false;
  /** What goes on inside the process. */
  #loop: Loop | undefined;
  /** Where it goes on once everything from afar has arrived. */
  #home: LoopReceiver | undefined;
  #listening = false;

  /** Whether its sender may come home: the holder has it, and nothing has ended. */
  get awaiting(): boolean {
    return !this.#given && this.#loop === undefined && this.state === 'open' && this.link.refusal === undefined;
  }

  get turned(): boolean {
    return this.#loop !== undefined;
  }

  /** Behind the clean end of the long way `loop` goes on. */
  turnTo(loop: Loop): void {
    this.#loop = loop;
    // An abort of the sender is immediate: what is still under way is dropped.
    loop.receiver.finished.catch((reason: unknown) => super.cancelNow(reason as CircuitError));
  }

  override receiveNow(options: ReceiveOptions): Promise<ReceiveResult> {
    const result = super.receiveNow(options);
    this.#listen();
    return result;
  }

  override tryReceiveNow(returns: boolean): ReceiveResult | undefined {
    const result = super.tryReceiveNow(returns);
    return result?.done === true && this.#home !== undefined ? this.#home.tryReceiveNow(returns) : result;
  }

  override onReadable(run: () => void): () => void {
    return this.#home === undefined ? super.onReadable(run) : this.#home.onReadable(run);
  }

  override move(): void {
    super.move();
    this.#given = true;
    // Its pump waits behind nobody.
    turnAwayAll(this.waiting);
  }

  override cancelNow(reason: CircuitError): void {
    this.#loop?.receiver.cancelNow(reason);
    super.cancelNow(reason);
  }

  protected override closing(): void {
    if (this.#loop === undefined) {
      super.closing();
      return;
    }
    // A message cut off by its own sender's CLOSE never was one.
    if (this.midMessage) this.dropped();
    this.#home = this.#loop.receiver;
    this.#listen();
    this.notifyReadable();
  }

  protected override rejectWaiting(reason: CircuitError): void {
    super.rejectWaiting(reason);
    // Of what comes home after this nobody would know what is missing in front of it.
    if (this.#home === undefined) this.#loop?.sender.abortNow(reason);
  }

  /** Serves who waits as soon as something is here. */
  #listen(): void {
    if (this.#home === undefined || this.#listening || this.waiting.length === 0) return;
    this.#listening = true;
    this.#home.onReadable(() => {
      this.#listening = false;
      this.#serve();
      this.#listen();
    });
    this.#serve();
  }

  #serve(): void {
    for (let first = this.waiting.first(); first !== undefined; first = this.waiting.first()) {
      try {
        const result = this.tryReceiveNow(first.returns);
        if (result === undefined) return;
        dequeue(this.waiting);
        first.resolve(result);
      } catch (error) {
        dequeue(this.waiting);
        first.reject(error as CircuitError);
      }
    }
  }
}
