import { CircuitError, type Deferred, deferred, isCircuitError, orAborted, type WaitOptions } from '@circuit/base';
import { readOutputAnswer } from '../protocol/answers.js';
import type { OutputAnswer } from '../protocol/messages.js';
import type { KeeperHome } from './keeper-home.js';
import type { OutputMode, ProcessRecord, StreamName } from './types.js';

/** Acknowledgements are told in steps of this size, and whenever a reader waits. */
const acknowledgeBytes = 16_384;

export interface StreamTailOptions {
  readonly home: KeeperHome;
  readonly id: string;
  readonly stream: StreamName;
  readonly mode: OutputMode;
  readonly get: () => ProcessRecord | undefined;
  /** Called when the last reader has left. */
  readonly released: () => void;
}

/**
 * Where one stream ends now, shared by all its readers here: one request to the keeper waits for more bytes, whoever and
 * however many want them.
 */
export class StreamTail {
  readonly #options: StreamTailOptions;
  /** Each reader with what ends it. */
  readonly #readers = new Map<object, () => void>();
  #known: OutputAnswer = { startOffset: 0, endOffset: 0, eof: false };
  #waiters = new Set<Deferred>();
  #asking = false;
  #consumed = 0;
  #told = 0;
  #failure: CircuitError | undefined;

  constructor(options: StreamTailOptions) {
    this.#options = options;
  }

  /** The folder that holds the segments. */
  get files(): KeeperHome['files'] {
    return this.#options.home.files;
  }

  get isPipe(): boolean {
    return this.#options.mode === 'pipe';
  }

  get known(): OutputAnswer {
    return this.#known;
  }

  /** Takes a reader in; `end` is called when the stream is over for all. Throws `conflict` for a second one of a `pipe` stream. */
  join(reader: object, end: () => void): void {
    const { id, stream, mode } = this.#options;
    if (mode === 'pipe' && this.#readers.size > 0) {
      throw new CircuitError('conflict', `${stream} of process ${id} has its reader`, { detail: 'output-busy' });
    }
    this.#readers.set(reader, end);
  }

  /** Lets a reader go and tells the keeper its last acknowledgement. */
  async leave(reader: object): Promise<void> {
    if (!this.#readers.delete(reader) || this.#readers.size > 0 || this.#failure !== undefined) return;
    this.#options.released();
    // Also ends a wait that the keeper may still hold for us.
    await this.#ask().catch(ignore);
  }

  /** Ends all waits, now and later. */
  fail(failure: CircuitError): void {
    this.#failure ??= failure;
    for (const waiter of this.#waiters) waiter.reject(failure);
    this.#waiters.clear();
    for (const end of [...this.#readers.values()]) end();
    this.#readers.clear();
  }

  /** Asks for the present state. Rejects with `gone` when the process was forgotten. */
  async refresh({ signal }: WaitOptions = {}): Promise<OutputAnswer> {
    this.check();
    const answer = await orAborted(this.#ask(), signal);
    this.check();
    return answer;
  }

  /** Waits until the end lies beyond `offset` or is final. */
  async beyond(offset: number, { signal }: WaitOptions = {}): Promise<OutputAnswer> {
    while (this.#known.endOffset <= offset && !this.#known.eof) {
      this.check();
      const waiter = deferred();
      this.#waiters.add(waiter);
      void this.#follow();
      try {
        await orAborted(waiter.promise, signal);
      } finally {
        this.#waiters.delete(waiter);
      }
    }
    this.check();
    return this.#known;
  }

  /** `pipe`: bytes before `offset` are dealt with. */
  acknowledge(offset: number): void {
    if (this.#options.mode !== 'pipe' || offset <= this.#consumed) return;
    this.#consumed = offset;
    if (this.#consumed - this.#told < acknowledgeBytes && !this.#asking) return;
    // While a wait is pending it is replaced by one that carries the acknowledgement.
    const { endOffset } = this.#known;
    this.#ask(this.#asking ? endOffset : undefined).catch(ignore);
  }

  async #follow(): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    try {
      while (this.#waiters.size > 0) {
        await this.#ask(this.#known.endOffset);
        for (const waiter of this.#waiters) waiter.resolve();
        // The woken ones wait again, or do not, before the next question.
        await Promise.resolve();
        await new Promise(setImmediate);
      }
    } catch (error) {
      for (const waiter of this.#waiters) waiter.reject(error);
    } finally {
      this.#asking = false;
    }
  }

  /** Throws what ended the stream for its readers. */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** A keeper that dies meanwhile is waited for: its successor goes on at the same offset. */
  async #ask(after?: number): Promise<OutputAnswer> {
    const { home, id, stream, get } = this.#options;
    for (;;) {
      this.#told = this.#consumed;
      const consumed = this.#consumed > 0 ? { consumed: this.#consumed } : {};
      const request = {
        verb: 'output',
        process: id,
        stream,
        ...(after === undefined ? {} : { after }),
        ...consumed,
      } as const;
      try {
        const answer = readOutputAnswer((await home.call(request)) ?? get()?.[stream]);
        if (answer === undefined) throw new CircuitError('gone', `process ${id} was forgotten`);
        this.#note(answer);
        return this.#known;
      } catch (error) {
        if (isCircuitError(error, 'not-found'))
          throw new CircuitError('gone', `process ${id} was forgotten`, { cause: error });
        const lost = isCircuitError(error, 'outcome-unknown') || isCircuitError(error, 'peer-gone');
        if (!lost || this.#failure !== undefined) throw error;
        await new Promise(setImmediate);
      }
    }
  }

  // Answers may overtake each other: the end only grows.
  #note({ startOffset, endOffset, eof }: OutputAnswer): void {
    this.#known = {
      startOffset: Math.max(this.#known.startOffset, startOffset),
      endOffset: Math.max(this.#known.endOffset, endOffset),
      eof: this.#known.eof || eof,
    };
  }
}

function ignore(): void {}
