import { CircuitError, type Clock, type Deferred, deferred } from '@circuit/base';
import type { Entry } from '../session/entry.js';
import { InDescriptor } from '../session/lane.js';
import type { Link } from '../session/link.js';
import { FdDescriptor, usedError } from './fd-descriptor.js';
import { closeFd } from './fds.js';

/** How long the use of a descriptor waits for it. */
export const arrivalMs = 10_000;

/** A descriptor that arrived and that nobody has taken. */
export class Held {
  readonly #fd: number;
  readonly #onLeft: (held: Held) => void;
  #open = true;
  /** Why it was closed. */
  failure: CircuitError = new CircuitError('limit', 'the descriptor was not taken before too many sessions had ended');
  /** Whether its message was received: somebody may hold what stands for it. */
  received = false;

  constructor(fd: number, onLeft: (held: Held) => void) {
    this.#fd = fd;
    this.#onLeft = onLeft;
  }

  get open(): boolean {
    return this.#open;
  }

  /** `undefined` if it was closed. */
  take(): number | undefined {
    if (!this.#open) return undefined;
    this.#open = false;
    this.#onLeft(this);
    return this.#fd;
  }

  close(reason: CircuitError = this.failure): void {
    const fd = this.take();
    if (fd === undefined) return;
    this.failure = reason;
    closeFd(fd);
  }
}

/** Closes what the application has lost without taking it. */
const lost = new FinalizationRegistry<Held>((held) => held.close());

/** A descriptor of the other side's: announced, and here as soon as the lane has brought it. */
export class PassedDescriptor extends FdDescriptor {
  readonly detachable = true;
  readonly #clock: Clock;
  readonly #settled: Deferred = deferred();
  #held: Held | undefined;
  #failure: CircuitError | undefined;

  constructor(clock: Clock) {
    super();
    this.#clock = clock;
  }

  arrived(held: Held): void {
    if (this.#failure !== undefined) {
      held.close();
      return;
    }
    this.#held = held;
    lost.register(this, held, this);
    this.#settled.resolve();
  }

  failed(reason: CircuitError): void {
    this.#failure ??= reason;
    this.#settled.resolve();
  }

  async detach(): Promise<number> {
    if (this.#held === undefined && this.#failure === undefined) await this.#arrival();
    if (this.#failure !== undefined) throw this.#failure;
    const held = this.#held as Held;
    const fd = held.take();
    this.#failure = usedError();
    lost.unregister(this);
    if (fd === undefined) throw held.failure;
    return fd;
  }

  cancelNow(): void {
    if (this.#failure !== undefined) return;
    this.failed(usedError());
    lost.unregister(this);
    this.#held?.close();
  }

  async #arrival(): Promise<void> {
    const timer = this.#clock.after(arrivalMs, () => {
      this.failed(
        new CircuitError(
          'timeout',
          `the descriptor has not arrived within ${arrivalMs} ms; are others of the session not taken?`,
        ),
      );
    });
    await this.#settled.promise;
    timer.cancel();
  }
}

/** What the halves of descriptors need of their lane. */
export interface Arrivals {
  readonly clock: Clock;
  /** The descriptor of `half` may come from now on. */
  expect(id: number, half: ArrivingDescriptor): void;
  /** It will not come any more. */
  forget(id: number): void;
}

/** The receiving half of a descriptor that is handed over. */
export class ArrivingDescriptor extends InDescriptor {
  readonly #descriptor: PassedDescriptor;
  readonly #arrivals: Arrivals;
  #held: Held | undefined;
  #received = false;
  #missing = true;

  constructor(link: Link, entry: Entry, arrivals: Arrivals) {
    super(link, entry);
    this.#arrivals = arrivals;
    this.#descriptor = new PassedDescriptor(arrivals.clock);
  }

  /** To be asked for by who puts it into a message that is received, or passes it on. */
  get descriptor(): PassedDescriptor {
    this.#received = true;
    if (this.#held !== undefined) this.#held.received = true;
    return this.#descriptor;
  }

  override announced(): void {
    super.announced();
    this.#arrivals.expect(this.entry.id, this);
  }

  override bytes(): string {
    return `BYTES on descriptor ${this.entry.id}`;
  }

  arrived(held: Held): void {
    this.#missing = false;
    this.#held = held;
    held.received = this.#received;
    this.#descriptor.arrived(held);
    this.sayDoneIfEmpty();
  }

  /** It will never arrive. */
  missed(reason: CircuitError): void {
    this.#missing = false;
    this.#descriptor.failed(reason);
    this.sayDoneIfEmpty();
  }

  /** Says nothing to the peer: what nobody wants any more is waited for and closed. */
  override cancelNow(reason: CircuitError): void {
    if (this.link.refusal !== undefined) super.cancelNow(reason);
    this.#descriptor.cancelNow();
  }

  protected override sayDoneIfEmpty(): void {
    if (!this.#missing) super.sayDoneIfEmpty();
  }

  protected override end(reason: CircuitError): void {
    super.end(reason);
    if (!this.#missing) return;
    this.#missing = false;
    this.#arrivals.forget(this.entry.id);
    this.#descriptor.failed(reason);
  }
}
