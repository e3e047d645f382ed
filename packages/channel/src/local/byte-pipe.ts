import { abortError, CircuitError, type WaitOptions } from '@circuit/base';
import type { ByteDuplex, ByteReader, ByteWriter } from '../types.js';
import { ChunkQueue } from './chunk-queue.js';
import { type Demand, dequeue, enqueue, rejectAll, resolveAll, turnAwayAll } from './demand.js';
import { Deque } from './deque.js';
import { End, type EndKind, movedError } from './end.js';
import { iterateBytes } from './iterate.js';
import { PipeState } from './pipe-state.js';
import type { RawReader, RawWriter } from './raw.js';
import { reasonError } from './reason-error.js';
import { turnDue } from './taking-turns.js';
import { Waiters } from './waiters.js';

/**
 * A byte stream inside this process: what is written to `writer` is read from `reader`. A write waits while more than
 * `highWaterBytes` (65,536 by default) are unread.
 */
export function bytePipe(highWaterBytes = 65_536): ByteDuplex {
  const core = new BytePipeCore(highWaterBytes);
  return { reader: new BytePipeReader(core), writer: new BytePipeWriter(core) };
}

/** So many chunks are read as they were written; what is written behind them is gathered. */
const looseChunks = 64;

export class BytePipeCore extends PipeState {
  readonly highWaterBytes: number;
  readonly chunks: ChunkQueue = new ChunkQueue(looseChunks);
  /** Writes that wait for room. */
  readonly writings: Deque<Demand<void>> = new Deque();
  readonly readings: Deque<Demand<Uint8Array | undefined>> = new Deque();
  readonly readable: Waiters = new Waiters();
  bytes = 0;
  /** Called when bytes were taken, and when nothing more will be. */
  onTaken: (() => void) | undefined;

  constructor(highWaterBytes: number) {
    super();
    this.highWaterBytes = highWaterBytes;
  }

  protected get empty(): boolean {
    return this.chunks.empty;
  }

  push(chunk: Uint8Array): void {
    const reading = dequeue(this.readings);
    if (reading !== undefined) {
      reading.resolve(chunk);
      return;
    }
    this.chunks.push(chunk);
    this.bytes += chunk.length;
    this.readable.notify();
  }

  take(): Uint8Array | null | undefined {
    const chunk = this.chunks.shift();
    if (chunk !== undefined) {
      this.bytes -= chunk.length;
      while (this.bytes <= this.highWaterBytes && this.writings.length > 0) dequeue(this.writings)?.resolve();
      this.onTaken?.();
      this.checkFinished();
      return chunk;
    }
    if (this.failure !== undefined) throw this.failure;
    return this.closed ? null : undefined;
  }

  close(): void {
    if (this.closed || this.failure !== undefined) return;
    this.closed = true;
    resolveAll(this.readings, undefined);
    this.#tellAll();
  }

  fail(reason: CircuitError): void {
    if (this.over) return;
    this.failure = reason;
    this.chunks.drain();
    this.bytes = 0;
    rejectAll(this.readings, reason);
    rejectAll(this.writings, reason);
    this.#tellAll();
  }

  #tellAll(): void {
    this.onTaken?.();
    this.readable.notify();
    this.checkFinished();
  }
}

export class BytePipeReader extends End implements ByteReader, RawReader {
  readonly endKind: EndKind = 'reader';
  readonly #core: BytePipeCore;
  #moved = false;

  constructor(core: BytePipeCore) {
    super();
    this.#core = core;
  }

  read(options: WaitOptions = {}): Promise<Uint8Array | undefined> {
    return this.#moved ? Promise.reject(movedError()) : this.readNow(options);
  }

  readNow({ signal }: WaitOptions): Promise<Uint8Array | undefined> {
    if (signal?.aborted) return Promise.reject(abortError(signal));
    try {
      const chunk = this.#core.take();
      if (chunk !== undefined) return Promise.resolve(chunk ?? undefined);
    } catch (error) {
      return Promise.reject(error);
    }
    return new Promise((resolve, reject) => this.demand({ signal }, resolve, reject));
  }

  /** Waits for the next bytes in the queue of those who wait: {@link readNow} without a promise. */
  demand(
    { signal }: WaitOptions,
    resolve: (chunk: Uint8Array | undefined) => void,
    reject: (error: CircuitError) => void,
  ): void {
    enqueue(this.#core.readings, { resolve, reject, release: undefined }, signal);
  }

  tryRead(): Uint8Array | null | undefined {
    if (this.#moved) throw movedError();
    return this.#core.take();
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<Uint8Array> {
    return iterateBytes(this);
  }

  cancel(reason?: unknown): void {
    if (!this.#moved) this.cancelNow(reasonError(reason, 'cancelled by the reader'));
  }

  cancelNow(reason: CircuitError): void {
    this.#core.fail(reason);
  }

  onReadable(run: () => void): () => void {
    return this.#core.readable.add(run);
  }

  /** Rejects when the stream is aborted or cancelled. */
  get finished(): Promise<void> {
    return this.#core.finished;
  }

  move(): void {
    if (this.#moved) throw movedError();
    this.#moved = true;
    this.turnAway();
  }

  relay(): void {
    this.#core.relaying = true;
  }

  relayDone(): void {
    this.#core.relaying = false;
    this.#core.checkFinished();
  }

  override regain(): BytePipeReader {
    resolveAll(this.#core.readings, undefined);
    return new BytePipeReader(this.#core);
  }

  /** Tells who waits that the end was moved. */
  turnAway(): void {
    turnAwayAll(this.#core.readings);
  }
}

class BytePipeWriter extends End implements ByteWriter, RawWriter {
  readonly endKind: EndKind = 'writer';
  readonly #core: BytePipeCore;
  #moved = false;

  constructor(core: BytePipeCore) {
    super();
    this.#core = core;
  }

  get closed(): Promise<void> {
    return this.#core.finished;
  }

  write(chunk: Uint8Array, options: WaitOptions = {}): Promise<void> {
    return this.#moved ? Promise.reject(movedError()) : this.writeNow(chunk, options);
  }

  async writeNow(chunk: Uint8Array, { signal }: WaitOptions = {}): Promise<void> {
    const core = this.#core;
    if (this.sendRefusal !== undefined) throw this.sendRefusal;
    if (signal?.aborted) throw abortError(signal);
    if (chunk.length > 0) core.push(chunk);
    // Also without a turn to wait for: a pump that reads in step with its writer costs two thirds of one that finds the pipe full.
    await turnDue();
    // The bytes are in; the wait only holds the writer back, so giving it up loses nothing.
    if (core.bytes > core.highWaterBytes && core.failure === undefined && signal?.aborted !== true) {
      await new Promise<void>((resolve) =>
        enqueue(core.writings, { resolve, reject: () => resolve(), release: undefined }, signal),
      );
    }
    if (core.failure !== undefined) throw core.failure;
  }

  close(): void {
    if (!this.#moved) this.closeNow();
  }

  abort(reason?: unknown): void {
    if (!this.#moved) this.abortNow(reasonError(reason, 'aborted by the writer'));
  }

  closeNow(): void {
    this.#core.close();
  }

  abortNow(reason: CircuitError): void {
    this.#core.fail(reason);
  }

  /** What a write fails with now. */
  get sendRefusal(): CircuitError | undefined {
    const { failure, closed } = this.#core;
    return failure ?? (closed ? new CircuitError('closed', 'write on a closed stream') : undefined);
  }

  move(): void {
    if (this.#moved) throw movedError();
    this.#moved = true;
  }

  override regain(): BytePipeWriter {
    return new BytePipeWriter(this.#core);
  }
}
