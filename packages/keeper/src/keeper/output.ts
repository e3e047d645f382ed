import { rmSync } from 'node:fs';
import type { Clock, Timer } from '@circuit/base';
import type { OutputMode, StreamName, StreamRecord } from '../client/types.js';
import type { ProcessFiles } from '../folder/process-files.js';
import type { EofRecord } from '../folder/records.js';
import { type KeptTotal, SegmentWriter } from './segment-writer.js';
import { Tap } from './tap.js';

/** How soon a `pipe` stream asks a full disk again. */
const diskRetryMs = 100;

export interface OutputSettings {
  readonly files: ProcessFiles;
  readonly stream: StreamName;
  readonly mode: OutputMode;
  readonly windowBytes: number;
  readonly segmentBytes: number;
}

export interface OutputTools {
  readonly total: KeptTotal;
  readonly clock: Clock;
  /** Lent to every tap. */
  readonly buffer: Buffer;
  /** Called after each growth on disk, to keep the bounds of the process and of the keeper. */
  readonly grown: () => void;
  /** Called once when the stream has ended. */
  readonly ended: () => void;
}

interface Waiter {
  readonly after: number;
  readonly wake: () => void;
}

/**
 * One stream of one process, from its FIFO to its segments. `log` takes everything and loses what the disk refuses;
 * `pipe` stops reading at `windowBytes` unread bytes or at a full disk, so that the process waits.
 */
export class Output {
  readonly #settings: OutputSettings;
  readonly #tools: OutputTools;
  readonly #writer: SegmentWriter;
  #tap: Tap | undefined;
  #consumed = 0;
  #refused: Buffer[] = [];
  #refusedBytes = 0;
  #retry: Timer | undefined;
  #sourceEnded = false;
  #eof = false;
  #discarding = false;
  #waking = false;
  readonly #waiters = new Set<Waiter>();

  constructor(settings: OutputSettings, tools: OutputTools) {
    this.#settings = settings;
    this.#tools = tools;
    const { files, stream, segmentBytes } = settings;
    this.#writer = new SegmentWriter({ folder: files.folder, stream, segmentBytes, total: tools.total });
  }

  get eof(): boolean {
    return this.#eof;
  }

  /** The end for the record; undefined before it. */
  get ending(): EofRecord | undefined {
    const { endOffset, lostBytes } = this.#writer;
    return this.#eof ? { endOffset, lostBytes } : undefined;
  }

  get keptBytes(): number {
    return this.#writer.keptBytes;
  }

  record(): StreamRecord {
    const { startOffset, endOffset, lostBytes, keptBytes } = this.#writer;
    const droppedBytes = this.#settings.mode === 'log' ? endOffset - keptBytes : lostBytes;
    return { startOffset: Math.max(startOffset, this.#consumed), endOffset, eof: this.#eof, lostBytes, droppedBytes };
  }

  /** Reads from `fd`, the read end of the FIFO, which it owns from now on. */
  attach(fd: number): void {
    this.#tap = new Tap({
      fd,
      buffer: this.#tools.buffer,
      receive: (bytes) => this.#receive(bytes),
      ended: () => this.#sourceEnd(),
    });
    this.#tap.open();
  }

  /** Goes on where an earlier keeper stopped, or ends at the recorded `eof`: `openFifo` gives its read end, or undefined when the FIFO is gone. */
  adopt(eof: EofRecord | undefined, openFifo: () => number | undefined): void {
    this.#writer.resume();
    if (this.#settings.mode === 'pipe') this.#consumed = this.#writer.startOffset;
    if (eof !== undefined) {
      this.#writer.finishAt(eof.endOffset, eof.lostBytes);
      this.#eof = true;
      return;
    }
    const fd = openFifo();
    if (fd === undefined) {
      this.#sourceEnd();
      return;
    }
    this.attach(fd);
    // Of a FIFO whose writers left before it was opened no event ever tells the end.
    this.#tap?.drain();
  }

  /** Brings everything the process has written so far to the segments. */
  drain(): void {
    this.#tap?.drain();
  }

  /** Calls `wake` once, as soon as the end lies beyond `after` or is final. The result gives the wait up. */
  wait(after: number, wake: () => void): () => void {
    const waiter = { after, wake };
    this.#waiters.add(waiter);
    if (this.#eof || this.#writer.endOffset > after) this.#scheduleWake();
    return () => this.#waiters.delete(waiter);
  }

  /** `pipe`: bytes before `offset` have been dealt with. */
  consume(offset: number): void {
    if (this.#settings.mode !== 'pipe' || offset <= this.#consumed) return;
    this.#consumed = Math.min(offset, this.#writer.endOffset);
    this.#writer.dropBefore(this.#consumed);
    this.#flushRefused();
    if (this.#mayRead()) this.#tap?.resume();
  }

  /** Removes the oldest whole segment; false when there is none to remove. */
  dropOldest(): boolean {
    return this.#writer.dropOldest();
  }

  /** Throws away what is held and all that comes; the process is no longer heard but never waits. */
  discard(): void {
    this.#discarding = true;
    this.#refused = [];
    this.#refusedBytes = 0;
    this.#retry?.cancel();
    this.#writer.abandon();
    if (this.#sourceEnded) this.#finish();
    else this.#tap?.resume();
  }

  /** Lets go of the FIFO and the files without an end. */
  close(): void {
    this.#retry?.cancel();
    this.#tap?.close();
    this.#writer.close();
    this.#waiters.clear();
  }

  #receive(bytes: Buffer): boolean {
    if (this.#discarding) return true;
    const taken = this.#refused.length === 0 ? this.#writer.append(bytes) : 0;
    if (taken < bytes.length) this.#refuse(bytes.subarray(taken));
    if (this.#waiters.size > 0) this.#scheduleWake();
    this.#tools.grown();
    return this.#mayRead();
  }

  #refuse(rest: Buffer): void {
    if (this.#settings.mode === 'log') {
      this.#writer.lose(rest.length);
      return;
    }
    this.#refused.push(Buffer.from(rest));
    this.#refusedBytes += rest.length;
    this.#retryLater();
  }

  #retryLater(): void {
    this.#retry?.cancel();
    this.#retry = this.#tools.clock.after(diskRetryMs, () => {
      this.#flushRefused();
      if (this.#mayRead()) this.#tap?.resume();
    });
  }

  #flushRefused(): void {
    while (this.#refused[0] !== undefined) {
      const [piece] = this.#refused;
      const taken = this.#writer.append(piece);
      this.#refusedBytes -= taken;
      if (taken > 0) this.#scheduleWake();
      if (taken < piece.length) {
        this.#refused[0] = piece.subarray(taken);
        this.#retryLater();
        return;
      }
      this.#refused.shift();
    }
    if (this.#sourceEnded) this.#finish();
  }

  #mayRead(): boolean {
    if (this.#discarding || this.#settings.mode === 'log') return true;
    if (this.#refusedBytes > 0) return false;
    return this.#writer.endOffset - this.#consumed < this.#settings.windowBytes;
  }

  #sourceEnd(): void {
    this.#sourceEnded = true;
    if (this.#refused.length === 0) this.#finish();
  }

  #finish(): void {
    if (this.#eof) return;
    this.#eof = true;
    this.#retry?.cancel();
    this.#writer.close();
    const { files, stream } = this.#settings;
    // Of a forgotten process the folder is gone, and may be another's by now.
    if (!this.#discarding) rmSync(files.fifo(stream), { force: true });
    this.#scheduleWake();
    this.#tools.ended();
  }

  /** Wakes at the end of this turn of the loop: one wake for all the bytes that one turn brought. */
  #scheduleWake(): void {
    if (this.#waking) return;
    this.#waking = true;
    setImmediate(() => {
      this.#waking = false;
      for (const waiter of this.#waiters) {
        if (!this.#eof && this.#writer.endOffset <= waiter.after) continue;
        this.#waiters.delete(waiter);
        waiter.wake();
      }
    });
  }
}
