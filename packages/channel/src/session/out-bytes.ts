import { abortError, type CircuitError, onAbort, type WaitOptions } from '@circuit/base';
import { Deque } from '../local/deque.js';
import { type EndKind, movedError } from '../local/end.js';
import type { ByteSink } from '../local/raw.js';
import { resolved } from '../local/resolved.js';
import type { ByteWriter } from '../types.js';
import { maxBodyBytes } from '../wire/frame.js';
import * as frameType from '../wire/frame-type.js';
import { OutHalf } from './out-half.js';

interface Queued {
  readonly chunk: Uint8Array;
  offset: number;
  readonly resolve: () => void;
  readonly reject: (error: CircuitError) => void;
  release: (() => void) | undefined;
}

/** The sending half of a byte stream. */
export class OutBytes extends OutHalf implements ByteWriter, ByteSink {
  readonly endKind: EndKind = 'writer';
  readonly #queue = new Deque<Queued>();

  write(chunk: Uint8Array, options: WaitOptions = {}): Promise<void> {
    return this.moved ? Promise.reject(movedError()) : this.writeNow(chunk, options);
  }

  /** `write` for who took the end over. */
  writeNow(chunk: Uint8Array, { signal }: WaitOptions = {}): Promise<void> {
    const refusal = this.sendRefusal;
    if (refusal !== undefined) return Promise.reject(refusal);
    if (signal?.aborted) return Promise.reject(abortError(signal));
    if (chunk.length === 0) return resolved;
    if (this.#writeAtOnce(chunk)) return resolved;
    return new Promise((resolve, reject) => {
      const queued = this.#push(chunk, resolve, reject);
      if (signal === undefined) return;
      queued.release = onAbort(signal, () => {
        if (queued.offset > 0) {
          // Half a chunk would be a hole in the stream: the rest goes out, only the wait is over.
          resolve();
          return;
        }
        if (!this.#queue.remove(queued)) return;
        this.link.countUnsent(queued.offset - queued.chunk.length);
        reject(abortError(signal));
        this.arise();
        this.closeIfIdle();
      });
    });
  }

  /** Passes relayed bytes on; `written` runs when the credit of the other side may be given back. */
  forward(piece: Uint8Array, written: () => void): void {
    if (this.sendRefusal !== undefined) {
      written();
      return;
    }
    // The memory behind `piece` belongs to nobody else: it is handed on as it is.
    if (this.#writeAtOnce(piece)) written();
    else this.#push(piece, written, written);
  }

  get reusable(): boolean {
    return this.link.writer.reusable;
  }

  protected get idle(): boolean {
    return this.#queue.length === 0;
  }

  protected get ready(): boolean {
    return this.entry.announced && this.state !== 'ended' && this.credit > 0 && this.#queue.length > 0;
  }

  protected writeFrame(): boolean {
    const next = this.#queue.first();
    if (next === undefined || !this.ready) return false;
    const length = Math.min(next.chunk.length - next.offset, this.credit, maxBodyBytes);
    this.#frame(next.chunk.subarray(next.offset, next.offset + length));
    next.offset += length;
    this.link.countUnsent(-length);
    if (next.offset === next.chunk.length) {
      this.#queue.shift();
      next.release?.();
      next.resolve();
    }
    return true;
  }

  protected dropQueue(reason: CircuitError): void {
    for (const queued of this.#queue.drain()) {
      queued.release?.();
      this.link.countUnsent(queued.offset - queued.chunk.length);
      queued.reject(reason);
    }
  }

  #writeAtOnce(chunk: Uint8Array): boolean {
    if (this.#queue.length > 0 || !this.entry.announced || chunk.length > maxBodyBytes) return false;
    if (chunk.length > this.credit || this.link.writer.saturated) return false;
    this.#frame(chunk);
    return true;
  }

  #frame(body: Uint8Array): void {
    this.credit -= body.length;
    this.link.writer.withBody(frameType.bytes, this.entry.id, 0, body, true);
  }

  #push(chunk: Uint8Array, resolve: () => void, reject: (error: CircuitError) => void): Queued {
    const queued: Queued = { chunk, offset: 0, resolve, reject, release: undefined };
    this.link.countUnsent(chunk.length);
    this.#queue.push(queued);
    this.arise();
    return queued;
  }
}
