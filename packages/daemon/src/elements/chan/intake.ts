import { maxHeldBytes, type ByteSink, type ByteSource } from '@circuit/protocol';
import type { HeldBudget } from './held-budget.js';

/** What an {@link Intake} tells. */
export interface IntakeEvents {
  /** The end was seen and everything is still held. */
  whole(): void;
  /** The sender's stream failed before its end. */
  failed(reason: unknown): void;
  /** The receiver takes no more bytes. */
  refused(reason: unknown): void;
}

/**
 * Reads the byte stream of one message: into memory up to `maxHeldBytes` (and the chunk that crosses it) while there is no
 * receiver, and through to the receiver's sink while there is one. What is not longer than that stays in memory until it is
 * released, so that it can be given to another receiver.
 */
export class Intake {
  readonly #source: ByteSource;
  readonly #events: IntakeEvents;
  readonly #budget: HeldBudget;
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #total = 0;
  #passed = 0;
  #budgeted = 0;
  #state: 'idle' | 'reading' | 'ended' | 'failed' = 'idle';
  #sink: ByteSink | undefined;
  /** A write or a read is under way that goes on by itself. */
  #busy = false;
  #unlisten: (() => void) | undefined;

  constructor(source: ByteSource, budget: HeldBudget, events: IntakeEvents) {
    this.#source = source;
    this.#budget = budget;
    this.#events = events;
  }

  /** Bytes that have come from the sender. */
  get total(): number {
    return this.#total;
  }

  /** Bytes that went on to the present receiver. */
  get passed(): number {
    return this.#passed;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  get ended(): boolean {
    return this.#state === 'ended';
  }

  /** Whether all that has come is still here. */
  get intact(): boolean {
    return this.#heldBytes === this.#total && this.#total <= maxHeldBytes;
  }

  /** Begins to read. */
  start(): void {
    if (this.#state !== 'idle') return;
    this.#state = 'reading';
    this.#pump();
  }

  /** Passes everything on to `sink`, what is held first. */
  attach(sink: ByteSink): void {
    this.#sink = sink;
    this.#passed = 0;
    for (const chunk of this.#held) this.#write(sink, chunk);
    this.#dropIfLong();
    if (this.#state === 'ended') sink.close();
    else this.#pump();
  }

  /** The receiver has gone: `reason` ends its stream. */
  detach(reason: unknown): void {
    this.#sink?.abort(reason);
    this.#sink = undefined;
    this.#busy = false;
    this.#pump();
  }

  /** Nobody wants the message any more. */
  release(reason: unknown): void {
    this.#unlisten?.();
    this.#unlisten = undefined;
    this.#sink?.abort(reason);
    this.#sink = undefined;
    if (this.#state !== 'ended' && this.#state !== 'failed') {
      this.#state = 'failed';
      this.#source.cancel(reason);
    }
    this.forget();
  }

  /** Lets what is held go; the message is consumed. */
  forget(): void {
    this.#held = [];
    this.#heldBytes = 0;
    this.#budget.give(this.#budgeted);
    this.#budgeted = 0;
  }

  readonly #readable = (): void => {
    this.#unlisten = undefined;
    this.#pump();
  };

  #pump(): void {
    while (this.#state === 'reading' && !this.#busy && this.#mayRead()) {
      let chunk: Uint8Array | null | undefined;
      try {
        chunk = this.#source.tryRead();
      } catch (error) {
        this.#fail(error);
        return;
      }
      if (chunk === undefined) {
        this.#unlisten = this.#source.onReadable(this.#readable);
        return;
      }
      if (chunk === null) this.#end();
      else this.#take(chunk);
    }
  }

  #mayRead(): boolean {
    if (this.#unlisten !== undefined) return false;
    if (this.#sink !== undefined) return true;
    // At the bound one more read is allowed: it may be the end, which alone tells that the message is whole.
    if (this.#total > maxHeldBytes) return false;
    if (this.#budgeted > 0) return true;
    if (!this.#budget.take(maxHeldBytes)) return false;
    this.#budgeted = maxHeldBytes;
    return true;
  }

  #take(chunk: Uint8Array): void {
    const first = this.#heldBytes === this.#total;
    this.#total += chunk.length;
    if (this.#sink === undefined || (first && this.#total <= maxHeldBytes)) {
      this.#held.push(chunk);
      this.#heldBytes += chunk.length;
    }
    if (this.#sink === undefined) return;
    this.#write(this.#sink, chunk);
    this.#dropIfLong();
  }

  #end(): void {
    this.#state = 'ended';
    const { intact } = this;
    // Held bytes of a short message must not count as much as those of a long one.
    if (this.#budgeted > this.#heldBytes) {
      this.#budget.give(this.#budgeted - this.#heldBytes);
      this.#budgeted = this.#heldBytes;
    }
    this.#sink?.close();
    if (intact) this.#events.whole();
  }

  #fail(reason: unknown): void {
    this.#state = 'failed';
    this.#sink?.abort(reason);
    this.#sink = undefined;
    this.forget();
    this.#events.failed(reason);
  }

  #dropIfLong(): void {
    if (this.#total > maxHeldBytes && this.#heldBytes > 0) this.forget();
  }

  #write(sink: ByteSink, chunk: Uint8Array): void {
    this.#passed += chunk.length;
    this.#busy = true;
    sink.write(chunk).then(
      () => this.#written(sink),
      (reason: unknown) => {
        if (this.#sink === sink) this.#events.refused(reason);
      },
    );
  }

  #written(sink: ByteSink): void {
    if (this.#sink !== sink) return;
    this.#busy = false;
    this.#pump();
  }
}
