import { abortError, type CircuitError, type WaitOptions } from '@circuit/base';
import { ChunkQueue, ownPiece } from '../local/chunk-queue.js';
import { type Demand, dequeue, enqueue, rejectAll, resolveAll, turnAwayAll } from '../local/demand.js';
import { Deque } from '../local/deque.js';
import { type EndKind } from '../local/end.js';
import { iterateBytes } from '../local/iterate.js';
import type { ByteSource, SourceTap } from '../local/raw.js';
import type { ByteReader } from '../types.js';
import type { Entry } from './entry.js';
import { InHalf } from './in-half.js';
import type { Link } from './link.js';

/** The receiving half of a byte stream. */
export class InBytes extends InHalf implements ByteReader, ByteSource {
  readonly endKind: EndKind = 'reader';
  readonly #queue = new ChunkQueue();
  readonly #waiting = new Deque<Demand<Uint8Array | undefined>>();
  #tap: SourceTap | undefined;
  #relayDone = false;

  constructor(link: Link, entry: Entry) {
    // What a stream has under way is what small messages of other channels wait behind.
    super(link, entry, link.limits.streamWindowBytes, 0);
  }

  read(options: WaitOptions = {}): Promise<Uint8Array | undefined> {
    try {
      this.checkHeld();
    } catch (error) {
      return Promise.reject(error);
    }
    return this.readNow(options);
  }

  /** `read` for who took the end over. */
  readNow({ signal }: WaitOptions): Promise<Uint8Array | undefined> {
    if (signal?.aborted) return Promise.reject(abortError(signal));
    try {
      const chunk = this.tryReadNow();
      if (chunk !== undefined) return Promise.resolve(chunk ?? undefined);
    } catch (error) {
      return Promise.reject(error);
    }
    return new Promise((resolve, reject) => enqueue(this.#waiting, { resolve, reject, release: undefined }, signal));
  }

  tryRead(): Uint8Array | null | undefined {
    this.checkHeld();
    return this.tryReadNow();
  }

  tryReadNow(): Uint8Array | null | undefined {
    const chunk = this.#queue.shift();
    if (chunk !== undefined) {
      this.link.countUnread(-chunk.length);
      this.grant(chunk.length);
      this.sayDoneIfEmpty();
      return chunk;
    }
    if (this.failure !== undefined) throw this.failure;
    return this.state === 'open' ? undefined : null;
  }

  [Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    return iterateBytes(this);
  }

  /** A relay takes over what arrives from here on, and what is queued. */
  attach(tap: SourceTap): void {
    turnAwayAll(this.#waiting);
    this.#tap = tap;
    for (const chunk of this.#queue.drain()) {
      this.link.countUnread(-chunk.length);
      tap.bytes(chunk);
    }
    if (this.failure !== undefined) tap.aborted(this.failure);
    else if (this.state !== 'open') tap.closed();
  }

  /** BYTES. */
  bytes(piece: Uint8Array): string | undefined {
    if (this.peerFinal) return `BYTES on stream ${this.entry.id} behind its end`;
    const fault = this.charge(piece.length);
    if (fault !== undefined || piece.length === 0 || this.state === 'ended') return fault;
    if (this.#tap !== undefined) {
      this.#tap.bytes(ownPiece(piece));
      return undefined;
    }
    const waiting = dequeue(this.#waiting);
    if (waiting === undefined) {
      this.link.countUnread(piece.length);
      this.#queue.push(piece);
      this.notifyReadable();
      return undefined;
    }
    this.grant(piece.length);
    waiting.resolve(ownPiece(piece));
    return undefined;
  }

  /** Counts relayed bytes' credit as used up. */
  passed(bytes: number): void {
    this.grant(bytes);
  }

  /** DONE came from the far side of a relay. */
  relayDone(): void {
    this.#relayDone = true;
    this.sayDoneIfEmpty();
  }

  get empty(): boolean {
    return this.#queue.empty;
  }

  protected override sayDoneIfEmpty(): void {
    // A relay says DONE when its own receiver has.
    if (this.#tap === undefined || this.#relayDone) super.sayDoneIfEmpty();
  }

  protected closing(): void {
    if (this.#tap !== undefined) {
      this.#tap.closed();
      return;
    }
    resolveAll(this.#waiting, undefined);
    this.notifyReadable();
  }

  protected dropQueue(): void {
    for (const chunk of this.#queue.drain()) this.link.countUnread(-chunk.length);
  }

  protected rejectWaiting(reason: CircuitError): void {
    this.#tap?.aborted(reason);
    rejectAll(this.#waiting, reason);
  }
}
