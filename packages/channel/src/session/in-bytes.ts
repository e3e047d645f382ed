import { throwIfAborted, type WaitOptions } from '@circuit/base';
import { ChunkQueue } from '../local/chunk-queue.js';
import { dequeue, enqueue } from '../local/demand.js';
import { type EndKind, movedError } from '../local/end.js';
import { iterateBytes } from '../local/iterate.js';
import type { ByteSource, SourceTap } from '../local/raw.js';
import type { ByteReader } from '../types.js';
import type { Entry } from './entry.js';
import { InHalf } from './in-half.js';
import type { Link } from './link.js';

/** The receiving half of a byte stream. */
export class InBytes extends InHalf<Uint8Array | undefined, SourceTap> implements ByteReader, ByteSource {
  readonly endKind: EndKind = 'reader';
  readonly #queue = new ChunkQueue();

  constructor(link: Link, entry: Entry) {
    // What a stream has under way is what small messages of other channels wait behind.
    super(link, entry, link.limits.streamWindowBytes, 0);
  }

  read(options: WaitOptions = {}): Promise<Uint8Array | undefined> {
    return this.moved ? Promise.reject(movedError()) : this.readNow(options);
  }

  /** `read` for who took the end over. */
  async readNow({ signal }: WaitOptions): Promise<Uint8Array | undefined> {
    throwIfAborted(signal);
    const chunk = this.tryReadNow();
    if (chunk !== undefined) return chunk ?? undefined;
    return new Promise((resolve, reject) => enqueue(this.waiting, { resolve, reject, release: undefined }, signal));
  }

  tryRead(): Uint8Array | null | undefined {
    this.checkHeld();
    return this.tryReadNow();
  }

  tryReadNow(): Uint8Array | null | undefined {
    const chunk = this.#queue.shift();
    if (chunk !== undefined) {
      this.link.unread.add(-chunk.length);
      this.grant(chunk.length);
      this.sayDoneIfEmpty();
      return chunk;
    }
    if (this.failure !== undefined) throw this.failure;
    return this.state === 'open' ? undefined : null;
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<Uint8Array> {
    return iterateBytes(this);
  }

  protected passQueue(tap: SourceTap): void {
    for (const chunk of this.#queue.drain()) tap.bytes(chunk, true);
  }

  /** BYTES; `owned`: may be kept as it is. */
  bytes(piece: Uint8Array, owned: boolean): string | undefined {
    if (this.peerFinal) return `BYTES on stream ${this.entry.id} behind its end`;
    const fault = this.charge(piece.length);
    if (fault !== undefined || piece.length === 0 || this.state === 'ended') return fault;
    if (this.tap !== undefined) {
      this.link.unread.add(piece.length);
      this.tap.bytes(piece, owned);
      return undefined;
    }
    const waiting = dequeue(this.waiting);
    if (waiting === undefined) {
      this.link.unread.add(piece.length);
      this.#queue.push(piece, owned);
      this.notifyReadable();
      return undefined;
    }
    this.grant(piece.length);
    waiting.resolve(owned ? piece : piece.slice());
    return undefined;
  }

  passed(bytes: number): void {
    this.link.unread.add(-bytes);
    this.grant(bytes);
  }

  get empty(): boolean {
    return this.#queue.empty;
  }

  protected override get last(): undefined {
    return undefined;
  }

  protected dropQueue(): void {
    for (const chunk of this.#queue.drain()) this.link.unread.add(-chunk.length);
  }
}
