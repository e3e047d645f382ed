import { abortError, CircuitError, type Clock, onAbort, type Timer, type WaitOptions } from '@circuit/base';
import type { Carrier, CarrierEvents } from '../session/carrier.js';
import { decodeStep, encodeStep, type RefusalCode, type Step } from './handshake.js';

/** More than this is not taken in before somebody has taken the connection over. */
export const maxEarlyBytes = 1_048_576;
/** A connection that was ended has this long for what was written to it. */
const lingerMs = 2000;

/**
 * A connection whose conversation has not begun: reads the steps of the handshake one by one, then hands everything to
 * whoever takes it over. Ends by itself when that does not happen in time.
 */
export class FreshLink {
  readonly carrier: Carrier;
  readonly #clock: Clock;
  #timer: Timer;
  #early: Uint8Array[] = [];
  #earlyBytes = 0;
  #wake: (() => void) | undefined;
  #failure: CircuitError | undefined;
  #closed: { readonly reason: Error | undefined } | undefined;
  #taker: CarrierEvents | undefined;

  /** `busyPollMs`: see `SessionOptions`. */
  constructor(carrier: Carrier, clock: Clock, handshakeMs: number, busyPollMs: number | undefined) {
    this.carrier = carrier;
    this.#clock = clock;
    this.#timer = clock.after(handshakeMs, () => {
      this.destroy(new CircuitError('timeout', `resume: no handshake within ${handshakeMs} ms`, { retryable: true }));
    });
    carrier.start(
      {
        data: (chunk, owned) => this.#data(chunk, owned),
        drained: () => this.#taker?.drained(),
        closed: (reason) => this.#ended(reason),
      },
      busyPollMs,
    );
  }

  /** Whether the other side may still hear something. */
  get open(): boolean {
    return this.#failure === undefined;
  }

  /** The first byte, which stays where it is. Rejects when the connection ends. */
  async firstByte(): Promise<number> {
    for (;;) {
      const first = this.#early[0];
      if (first !== undefined) return first[0] as number;
      await this.#more();
    }
  }

  /** The next step; `last` ones may have more behind them. Rejects when the connection ends or brings something else. */
  async step(last: boolean, { signal }: WaitOptions = {}): Promise<Step> {
    const release = onAbort(signal, () => this.destroy(abortError(signal as AbortSignal)));
    try {
      for (;;) {
        const bytes = this.#joined();
        const read = decodeStep(bytes);
        if (typeof read === 'string') throw new CircuitError(read === 'HELLO' ? 'unsupported' : 'protocol', read);
        if (read === undefined) {
          await this.#more();
          continue;
        }
        if (!last && bytes.length > read.length) throw new CircuitError('protocol', 'RESUME: bytes behind a step');
        this.#keep(bytes.subarray(read.length));
        return read.step;
      }
    } finally {
      release();
    }
  }

  say(step: Step): void {
    const frame = encodeStep(step);
    if (this.open) this.carrier.write([frame], frame.length);
  }

  /** Says why this connection is not taken and ends it. */
  refuse(code: RefusalCode, message: string): void {
    this.say({ step: 'refused', code, message });
    this.#early = [];
    this.#failure ??= new CircuitError('denied', message);
    this.end();
  }

  destroy(reason: CircuitError = new CircuitError('aborted', 'resume: connection dropped')): void {
    this.#fail(reason);
    this.carrier.destroy();
  }

  /** Ends this side behind what was written; a connection whose other side does not end as well is cut. */
  end(): void {
    this.#timer.cancel();
    if (this.#closed !== undefined) return;
    this.#timer = this.#clock.after(lingerMs, () => this.carrier.destroy());
    this.carrier.end();
  }

  /** What arrived and what will arrive is for `events`. Called once. */
  handOver(events: CarrierEvents): void {
    this.#timer.cancel();
    this.#taker = events;
    const early = this.#early;
    this.#early = [];
    for (const chunk of early) events.data(chunk, true);
    if (this.#closed !== undefined) events.closed(this.#closed.reason);
  }

  #data(chunk: Uint8Array, owned = false): void {
    if (this.#taker !== undefined) {
      this.#taker.data(chunk, owned);
      return;
    }
    if (this.#failure !== undefined || chunk.length === 0) return;
    this.#early.push(owned ? chunk : chunk.slice());
    this.#earlyBytes += chunk.length;
    if (this.#earlyBytes > maxEarlyBytes) {
      this.destroy(
        new CircuitError('protocol', `RESUME: more than ${maxEarlyBytes} bytes before the end of the handshake`),
      );
    }
    this.#wake?.();
  }

  #ended(reason: Error | undefined): void {
    this.#timer.cancel();
    this.#closed = { reason };
    this.#fail(
      new CircuitError(
        'unreachable',
        `resume: the connection ended in the handshake: ${reason?.message ?? 'hung up'}`,
        {
          retryable: true,
        },
      ),
    );
    this.#taker?.closed(reason);
  }

  #fail(reason: CircuitError): void {
    this.#failure ??= reason;
    this.#wake?.();
  }

  /** Waits until something happens. */
  async #more(): Promise<void> {
    this.#throwFailure();
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    this.#wake = undefined;
    // What came before the end can still be read.
    if (this.#early.length === 0) this.#throwFailure();
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  #joined(): Uint8Array {
    const [only] = this.#early;
    if (only !== undefined && this.#early.length === 1) return only;
    const bytes = new Uint8Array(this.#early.reduce((sum, chunk) => sum + chunk.length, 0));
    let at = 0;
    for (const chunk of this.#early) {
      bytes.set(chunk, at);
      at += chunk.length;
    }
    this.#keep(bytes);
    return bytes;
  }

  #keep(bytes: Uint8Array): void {
    this.#early = bytes.length === 0 ? [] : [bytes];
    this.#earlyBytes = bytes.length;
  }
}
