import type { CircuitError } from '@circuit/base';
import { dequeue } from '../local/demand.js';
import { InMessage } from '../session/in-message.js';
import type { ReceiveOptions, Receiver, ReceiveResult } from '../types.js';
import type { LocalIn } from './home-in.js';
import type { Loop } from './loop.js';

/** What goes on inside the process. */
interface Here {
  readonly loop: Loop;
  /** Told when everything from afar has arrived. */
  readonly arrived: () => void;
}

/**
 * The receiver of answers that this process asked for. When the sender comes home, it takes first what came the long way, then what is
 * sent inside the process.
 *
 *     away ─the other side's clean end─▶ home
 */
export class BornReceiver extends InMessage {
  #given = false;
  #here: Here | undefined;
  #home: (Receiver & LocalIn) | undefined;
  #listening = false;

  /** Whether its sender may come home: the holder has it, and nothing has ended. */
  get awaiting(): boolean {
    return !this.#given && this.#here === undefined && this.state === 'open' && this.link.refusal === undefined;
  }

  get turned(): boolean {
    return this.#here !== undefined;
  }

  /** Behind the clean end of the long way, of which `arrived` hears, `loop` goes on. */
  turnTo(loop: Loop, arrived: () => void): void {
    this.#here = { loop, arrived };
  }

  override receiveNow(options: ReceiveOptions): Promise<ReceiveResult> {
    const result = super.receiveNow(options);
    this.#listen();
    return result;
  }

  override tryReceiveNow(returns: boolean): ReceiveResult | undefined {
    const result = super.tryReceiveNow(returns);
    return result?.done === true && this.#home !== undefined ? this.#home.tryReceive({ returns }) : result;
  }

  override onReadable(run: () => void): () => void {
    return this.#home !== undefined && this.empty ? this.#home.onReadable(run) : super.onReadable(run);
  }

  override move(): void {
    super.move();
    this.#given = true;
  }

  override cancelNow(reason: CircuitError): void {
    (this.#here?.loop.receiver as LocalIn | undefined)?.cancelNow(reason);
    super.cancelNow(reason);
  }

  protected override closing(): void {
    if (this.#here === undefined) {
      super.closing();
      return;
    }
    const waiting = [...this.waiting.drain()];
    super.closing();
    for (const demand of waiting) this.waiting.push(demand);
    this.#home = this.#here.loop.receiver as Receiver & LocalIn;
    this.#here.arrived();
    this.#listen();
  }

  protected override rejectWaiting(reason: CircuitError): void {
    super.rejectWaiting(reason);
    // Of what comes home after this nobody would know what is missing in front of it.
    if (this.#home === undefined) this.#here?.loop.sender.abortNow(reason);
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
