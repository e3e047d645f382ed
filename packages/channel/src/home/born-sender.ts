import type { CircuitError } from '@circuit/base';
import { OutMessage } from '../session/out-message.js';
import type { SendOptions } from '../types.js';

/**
 * The sender of a channel that this process opened. When the receiver comes home, what is sent goes to it inside the process.
 *
 *     away ─turnTo(): CLOSE behind what was sent─▶ home
 */
export class BornSender extends OutMessage {
  #home: OutMessage | undefined;
  #back: (() => boolean) | undefined;
  #closed: Promise<void> | undefined;

  /** Whether its receiver may come home: the holder has it, and it is in use. */
  get awaiting(): boolean {
    return !this.moved && this.#home === undefined && this.sendRefusal === undefined;
  }

  get turned(): boolean {
    return this.#home !== undefined;
  }

  /** Sends go to `home` from here on; until `back` says so, the failure of the long way is the channel's. */
  turnTo(home: OutMessage, back: () => boolean): void {
    this.#home = home;
    this.#back = back;
    super.closeNow();
    this.notifyWritable();
  }

  override get sendRefusal(): CircuitError | undefined {
    return this.#home === undefined ? super.sendRefusal : this.#home.sendRefusal;
  }

  override get closed(): Promise<void> {
    if (this.#closed === undefined) {
      this.#closed = super.closed.then(
        () => this.#home?.closed,
        (reason: unknown) => (this.#back?.() === true ? this.#home?.closed : Promise.reject(reason as CircuitError)),
      );
      this.#closed.catch(ignore);
    }
    return this.#closed;
  }

  override sendNow(value: unknown, options: SendOptions): Promise<unknown> {
    return this.#home === undefined ? super.sendNow(value, options) : this.#home.sendNow(value, options);
  }

  override trySend(value: unknown): boolean {
    return this.#home === undefined || this.moved ? super.trySend(value) : this.#home.trySend(value);
  }

  override onWritable(run: () => void): () => void {
    return this.#home === undefined ? super.onWritable(run) : this.#home.onWritable(run);
  }

  override closeNow(): void {
    if (this.#home === undefined) super.closeNow();
    else this.#home.closeNow();
  }

  override abortNow(reason: CircuitError): void {
    this.#home?.abortNow(reason);
    super.abortNow(reason);
  }

  override cancelled(reason: CircuitError): void {
    super.cancelled(reason);
    this.#failed(reason);
  }

  override fail(reason: CircuitError): void {
    super.fail(reason);
    this.#failed(reason);
  }

  #failed(reason: CircuitError): void {
    if (this.#back?.() === false) this.#home?.abortNow(reason);
  }
}

function ignore(): void {}
