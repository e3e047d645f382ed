import type { CircuitError } from '@circuit/base';
import { dequeue } from '../local/demand.js';
import { InMessage } from '../session/in-message.js';
import type { ReceiveOptions, ReceiveResult } from '../types.js';
import type { Loop, LoopReceiver } from './loop.js';

/** What goes on inside the process. One object, which few receivers ever have. */
interface Here {
  readonly loop: Loop;
  /** The end in this process, once everything from afar has arrived. */
  home: LoopReceiver | undefined;
  /** Whether the next message there wakes who waits here. */
  listening: boolean;
}

/**
 * The receiver of answers that this process asked for. When the sender comes home, it takes first what came the long way, then what is
 * sent inside the process.
 *
 *     away ─the other side's clean end─▶ home
 */
export class BornReceiver extends InMessage {
  #here: Here | undefined;

  /** Whether its sender may come home: the holder has it, and nothing has ended. */
  get awaiting(): boolean {
    return !this.moved && this.#here === undefined && this.state === 'open' && this.link.refusal === undefined;
  }

  get turned(): boolean {
    return this.#here !== undefined;
  }

  /** Behind the clean end of the long way `loop` goes on. */
  turnTo(loop: Loop): void {
    this.#here = { loop, home: undefined, listening: false };
    // An abort of the sender is immediate: what is still under way is dropped.
    loop.receiver.finished.catch((reason: unknown) => super.cancelNow(reason as CircuitError));
  }

  override receiveNow(options: ReceiveOptions): Promise<ReceiveResult> {
    const result = super.receiveNow(options);
    if (this.#here !== undefined) this.#listen(this.#here);
    return result;
  }

  override tryReceiveNow(returns: boolean): ReceiveResult | undefined {
    const result = super.tryReceiveNow(returns);
    const home = this.#here?.home;
    return result?.done === true && home !== undefined ? home.tryReceiveNow(returns) : result;
  }

  override onReadable(run: () => void): () => void {
    return this.#here?.home === undefined ? super.onReadable(run) : this.#here.home.onReadable(run);
  }

  override relay(): void {
    super.relay();
    this.#here?.loop.receiver.relay();
  }

  override relayDone(): void {
    super.relayDone();
    this.#here?.loop.receiver.relayDone();
  }

  override cancelNow(reason: CircuitError): void {
    this.#here?.loop.receiver.cancelNow(reason);
    super.cancelNow(reason);
  }

  protected override closing(): void {
    const here = this.#here;
    if (here === undefined) {
      super.closing();
      return;
    }
    // A message cut off by its own sender's CLOSE never was one.
    if (this.midMessage) this.dropped();
    here.home = here.loop.receiver;
    this.#listen(here);
    this.notifyReadable();
  }

  protected override rejectWaiting(reason: CircuitError): void {
    super.rejectWaiting(reason);
    // Of what comes home after this nobody would know what is missing in front of it.
    if (this.#here?.home === undefined) this.#here?.loop.sender.abortNow(reason);
  }

  /** Serves who waits as soon as something is here. */
  #listen(here: Here): void {
    if (here.home === undefined || here.listening || this.waiting.length === 0) return;
    here.listening = true;
    here.home.onReadable(() => {
      here.listening = false;
      this.#serve();
      this.#listen(here);
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
