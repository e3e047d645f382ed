import { type FileHandle, open } from 'node:fs/promises';
import { CircuitError, throwIfAborted, type WaitOptions } from '@circuit/base';
import { processFiles } from '../folder/process-files.js';
import { segmentFile, segmentStarts } from '../folder/segments.js';
import { errnoOf } from '../platform/executable.js';
import type { StreamTail } from './stream-tail.js';
import type { OutputItem, OutputOptions, OutputReader, StreamName } from './types.js';

const maxItemBytes = 262_144;

interface OpenSegment {
  readonly start: number;
  readonly handle: FileHandle;
}

/** Reads the segments of a stream from the disk; only the news of their growth comes from the keeper. */
export class SegmentReader implements OutputReader {
  readonly #tail: StreamTail;
  readonly #folder: string;
  readonly #stream: StreamName;
  readonly #options: OutputOptions;
  #offset: number | undefined;
  #segment: OpenSegment | undefined;
  #reading = false;
  #closed = false;

  /** Takes its place at `tail`, which it leaves when closed. */
  constructor(tail: StreamTail, id: string, stream: StreamName, options: OutputOptions) {
    this.#tail = tail;
    this.#folder = processFiles(tail.files, id).folder;
    this.#stream = stream;
    this.#options = options;
    tail.join(this, () => void this.close());
  }

  async read({ signal }: WaitOptions = {}): Promise<OutputItem> {
    throwIfAborted(signal);
    this.#checkOpen();
    if (this.#reading) throw new CircuitError('conflict', 'a read is already waiting', { detail: 'read-busy' });
    this.#reading = true;
    try {
      return await this.#next(signal);
    } finally {
      this.#reading = false;
      if (this.#closed) await this.#closeSegment();
    }
  }

  acknowledge(offset: number): void {
    if (!this.#closed) this.#tail.acknowledge(offset);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (!this.#reading) await this.#closeSegment();
    await this.#tail.leave(this);
  }

  async *[Symbol.asyncIterator](): AsyncIterator<OutputItem> {
    try {
      for (;;) {
        const item = await this.read();
        if (item.kind === 'end') return;
        yield item;
      }
    } finally {
      await this.close();
    }
  }

  async #next(signal: AbortSignal | undefined): Promise<OutputItem> {
    const offset = (this.#offset ??= await this.#begin(signal));
    if (this.#options.acknowledge !== 'manual') this.#tail.acknowledge(offset);
    for (;;) {
      this.#checkOpen();
      const { startOffset, endOffset, eof } = this.#tail.known;
      if (this.#tail.isPipe && offset < startOffset) return this.#gap(offset, startOffset);
      if (offset < endOffset) {
        const item = await this.#readSegment(offset, endOffset);
        if (item !== undefined) return item;
        continue;
      }
      if (eof) return { kind: 'end', offset };
      if (this.#options.follow !== false) {
        await this.#tail.beyond(offset, { signal });
        continue;
      }
      if ((await this.#tail.refresh({ signal })).endOffset <= offset) return { kind: 'end', offset };
    }
  }

  async #begin(signal: AbortSignal | undefined): Promise<number> {
    const { startOffset, endOffset } = await this.#tail.refresh({ signal });
    const { from = 'start' } = this.#options;
    if (from === 'start') return startOffset;
    return from === 'end' ? endOffset : from;
  }

  /** Undefined: the segments changed under us, look again. */
  async #readSegment(offset: number, endOffset: number): Promise<OutputItem | undefined> {
    const segment = this.#segment ?? (await this.#openSegment(offset, endOffset));
    if (segment === undefined) return undefined;
    if ('kind' in segment) return segment;
    const bytes = Buffer.allocUnsafe(Math.min(endOffset - offset, maxItemBytes));
    const { bytesRead } = await segment.handle.read(bytes, 0, bytes.length, offset - segment.start);
    if (bytesRead > 0) {
      this.#offset = offset + bytesRead;
      return { kind: 'data', offset, bytes: bytes.subarray(0, bytesRead) };
    }
    await this.#closeSegment();
    if (segment.start === offset) return undefined;
    // Behind this segment's end: the next one begins here, or there is a gap.
    const next = await this.#tryOpen(offset);
    if (next !== undefined) {
      this.#segment = next;
      return undefined;
    }
    return this.#gapBehind(offset, endOffset);
  }

  async #openSegment(offset: number, endOffset: number): Promise<OpenSegment | OutputItem | undefined> {
    const start = segmentStarts(this.#folder, this.#stream).findLast((candidate) => candidate <= offset);
    if (start === undefined) return this.#gapBehind(offset, endOffset);
    const segment = await this.#tryOpen(start);
    this.#segment = segment;
    return segment;
  }

  #gapBehind(offset: number, endOffset: number): OutputItem | undefined {
    const starts = segmentStarts(this.#folder, this.#stream);
    // It may have been made since we looked.
    if (starts.includes(offset)) return undefined;
    const to = starts.find((start) => start > offset) ?? endOffset;
    return this.#gap(offset, Math.min(to, endOffset));
  }

  #gap(from: number, to: number): OutputItem {
    this.#offset = to;
    return { kind: 'gap', from, to };
  }

  async #tryOpen(start: number): Promise<OpenSegment | undefined> {
    try {
      return { start, handle: await open(segmentFile(this.#folder, this.#stream, start), 'r') };
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw new CircuitError('io', `read ${this.#stream} at ${start}: ${String(error)}`, { cause: error });
    }
  }

  async #closeSegment(): Promise<void> {
    const segment = this.#segment;
    this.#segment = undefined;
    await segment?.handle.close();
  }

  #checkOpen(): void {
    this.#tail.check();
    if (this.#closed) throw new CircuitError('closed', `the reader of ${this.#stream} is closed`);
  }
}
