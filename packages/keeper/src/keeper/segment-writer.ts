import { closeSync, constants, openSync, unlinkSync, writeSync } from 'node:fs';
import type { StreamName } from '../client/types.js';
import { listSegments, type Segment, segmentFile } from '../folder/segments.js';

export interface SegmentWriterOptions {
  /** The folder of the process. */
  readonly folder: string;
  readonly stream: StreamName;
  readonly segmentBytes: number;
  /** The sum over all writers of a keeper; each keeps its own share in it up to date. */
  readonly total: KeptTotal;
}

/** Bytes on disk of all streams together. */
export interface KeptTotal {
  bytes: number;
}

/**
 * Appends one stream to its segments and drops the oldest. Writes are synchronous: they go to the page cache, order needs
 * no queue, and nothing in a keeper is more urgent than a child's bytes. No call throws for a full or broken disk.
 */
export class SegmentWriter {
  readonly #folder: string;
  readonly #stream: StreamName;
  readonly #segmentBytes: number;
  readonly #total: KeptTotal;
  #segments: Segment[] = [];
  #fd: number | undefined;
  #end = 0;
  #kept = 0;
  #lost = 0;

  constructor({ folder, stream, segmentBytes, total }: SegmentWriterOptions) {
    this.#total = total;
    this.#folder = folder;
    this.#stream = stream;
    this.#segmentBytes = segmentBytes;
  }

  get startOffset(): number {
    return this.#segments[0]?.start ?? this.#end;
  }

  get endOffset(): number {
    return this.#end;
  }

  /** Bytes on disk. */
  get keptBytes(): number {
    return this.#kept;
  }

  get lostBytes(): number {
    return this.#lost;
  }

  /** Goes on behind what an earlier keeper wrote. New bytes get a new segment; empty ones would collide with it and go. */
  resume(): void {
    for (const segment of listSegments(this.#folder, this.#stream)) {
      if (segment.size === 0) this.#unlink(segment);
      else this.#segments.push(segment);
    }
    const last = this.#segments.at(-1);
    this.#end = last === undefined ? 0 : last.start + last.size;
    this.#keep(this.#segments.reduce((sum, { size }) => sum + size, 0));
  }

  /** Takes the recorded end of a finished stream, which lies behind the last segment when its last bytes were lost. */
  finishAt(endOffset: number, lostBytes: number): void {
    this.#end = Math.max(this.#end, endOffset);
    this.#lost = lostBytes;
  }

  /** The number of bytes that the disk took: fewer than given when it is full or broken. */
  append(bytes: Uint8Array): number {
    let done = 0;
    while (done < bytes.length) {
      const fd = this.#open();
      const segment = this.#segments.at(-1);
      if (fd === undefined || segment === undefined) break;
      const room = Math.min(this.#segmentBytes - segment.size, bytes.length - done);
      const written = tryWrite(fd, bytes, done, room);
      if (written === 0) {
        this.close();
        break;
      }
      segment.size += written;
      this.#end += written;
      this.#keep(written);
      done += written;
      if (segment.size >= this.#segmentBytes) this.close();
    }
    return done;
  }

  /** Counts bytes that could not be written; the next segment begins behind them, so a reader meets a gap. */
  lose(bytes: number): void {
    this.close();
    this.#end += bytes;
    this.#lost += bytes;
  }

  /** Removes the oldest segment that is no longer written to; false when there is none. */
  dropOldest(): boolean {
    const [oldest] = this.#segments;
    if (oldest === undefined || (this.#segments.length === 1 && this.#fd !== undefined)) return false;
    this.#segments.shift();
    this.#keep(-oldest.size);
    this.#unlink(oldest);
    return true;
  }

  /** Removes the segments that lie wholly before `offset`. */
  dropBefore(offset: number): void {
    for (;;) {
      const [oldest] = this.#segments;
      if (oldest === undefined || oldest.start + oldest.size > offset || !this.dropOldest()) return;
    }
  }

  /** Closes the file; the next append opens a new one. An empty segment is removed. */
  close(): void {
    if (this.#fd === undefined) return;
    closeSync(this.#fd);
    this.#fd = undefined;
    const last = this.#segments.at(-1);
    if (last?.size !== 0) return;
    this.#segments.pop();
    this.#unlink(last);
  }

  /** Closes and leaves the files to whoever removes the folder: they count no more. */
  abandon(): void {
    this.close();
    this.#segments = [];
    this.#keep(-this.#kept);
  }

  #keep(bytes: number): void {
    this.#kept += bytes;
    this.#total.bytes += bytes;
  }

  #open(): number | undefined {
    if (this.#fd !== undefined) return this.#fd;
    const { O_WRONLY, O_CREAT, O_EXCL } = constants;
    try {
      this.#fd = openSync(segmentFile(this.#folder, this.#stream, this.#end), O_WRONLY | O_CREAT | O_EXCL, 0o600);
      this.#segments.push({ start: this.#end, size: 0 });
    } catch {
      return undefined;
    }
    return this.#fd;
  }

  #unlink(segment: Segment): void {
    try {
      unlinkSync(segmentFile(this.#folder, this.#stream, segment.start));
    } catch {
      // Somebody removed the folder by hand; the bytes are gone as wanted.
    }
  }
}

function tryWrite(fd: number, bytes: Uint8Array, from: number, length: number): number {
  try {
    return writeSync(fd, bytes, from, length);
  } catch {
    return 0;
  }
}
