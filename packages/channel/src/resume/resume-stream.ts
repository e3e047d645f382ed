import { ReplayBuffer } from './replay-buffer.js';
import { bytesSegments, endSegment, receivedSegment, SegmentReader, type SegmentSink } from './segments.js';

/** What a resumable conversation tells its driver. */
export interface ResumeStreamEvents {
  /** The next bytes of the peer, each exactly once. */
  data(chunk: Uint8Array): void;
  /** The peer has said all it had to say. */
  ended(): void;
  /** The peer has given the session up. */
  gone(reason: string): void;
}

/** What may wait for its confirmation at the most. */
export const maxUnconfirmedBytes = 262_144;

/**
 * One side of a conversation that goes on from connection to connection: what was said and not confirmed, what was heard
 * and not confirmed. Knows no connection, time or secret.
 *
 *     say(…), end() ──▶ kept ──output()──▶ the connection        receive(bytes) ──▶ data, ended, gone
 *     continueFrom(n): the peer has n bytes; output() begins behind them, and the reader begins anew
 *
 * END counts as one byte behind the last.
 */
export class ResumeStream {
  readonly #events: ResumeStreamEvents;
  readonly #confirmEvery: number;
  readonly #kept = new ReplayBuffer();
  #reader: SegmentReader;
  /** The highest position that was ever put out. */
  #said = 0;
  #ending = false;
  #endOut = false;
  #endConfirmed = false;
  #received = 0;
  #confirmed = 0;
  #endReceived = false;

  /** `peerBufferBytes` is what the peer keeps of what it has said. */
  constructor(peerBufferBytes: number, events: ResumeStreamEvents) {
    this.#events = events;
    this.#confirmEvery = Math.min(maxUnconfirmedBytes, Math.floor(peerBufferBytes / 16));
    this.#reader = new SegmentReader(this.#sink);
  }

  /** Bytes said and not confirmed. */
  get keptBytes(): number {
    return this.#kept.size;
  }

  /** How much of the peer's conversation has arrived. */
  get received(): number {
    return this.#received;
  }

  get endReceived(): boolean {
    return this.#endReceived;
  }

  /** Both sides have ended and this side's end is confirmed. */
  get complete(): boolean {
    return this.#endConfirmed && this.#endReceived;
  }

  /** Takes over the next bytes of this side. */
  say(pieces: readonly Uint8Array[]): void {
    if (this.#ending) return;
    for (const piece of pieces) this.#kept.push(piece);
  }

  /** Nothing follows. */
  end(): void {
    this.#ending = true;
  }

  /** The segments that the connection at hand has not been given yet. */
  output(): Uint8Array[] {
    const segments = bytesSegments(this.#kept.take());
    if (this.#ending && !this.#endOut && !this.#endConfirmed) {
      this.#endOut = true;
      segments.push(endSegment());
    }
    this.#said = Math.max(this.#said, this.#kept.end + (this.#endOut ? 1 : 0));
    return segments;
  }

  /** RECEIVED, if the peer is owed one. */
  confirmation(): Uint8Array | undefined {
    const owed = this.#received - this.#confirmed;
    if (owed < this.#confirmEvery && !(this.#endReceived && owed > 0)) return undefined;
    this.#confirmed = this.#received;
    return receivedSegment(this.#received);
  }

  /** Takes what the connection brought; a string is the reason why it cannot be. */
  receive(chunk: Uint8Array): string | undefined {
    return this.#reader.receive(chunk);
  }

  /**
   * A new connection, on which the peer says that it has `peerReceived` bytes and has been told `received`. A string is
   * the reason why that cannot be.
   */
  continueFrom(peerReceived: number): string | undefined {
    const fault = this.#confirm(peerReceived);
    if (fault !== undefined) return fault;
    this.#kept.rewind();
    this.#endOut = false;
    this.#confirmed = this.#received;
    this.#reader = new SegmentReader(this.#sink);
    return undefined;
  }

  /** Lets go of what is kept. */
  stop(): void {
    this.#kept.clear();
  }

  #confirm(count: number): string | undefined {
    if (count > this.#said) return `RECEIVED of ${count} bytes, ${this.#said} were sent`;
    const least = this.#kept.start + (this.#endConfirmed ? 1 : 0);
    if (count < least) return `RECEIVED of ${count} bytes, ${least} were confirmed before`;
    if (count > this.#kept.end) this.#endConfirmed = true;
    this.#kept.confirm(Math.min(count, this.#kept.end));
    return undefined;
  }

  readonly #sink: SegmentSink = {
    bytes: (piece) => {
      if (this.#endReceived) return 'BYTES behind END';
      this.#received += piece.length;
      this.#events.data(piece);
      return undefined;
    },
    received: (count) => this.#confirm(count),
    end: () => {
      if (this.#endReceived) return 'a second END';
      this.#endReceived = true;
      this.#received++;
      this.#events.ended();
      return undefined;
    },
    gone: (reason) => this.#events.gone(reason),
  };
}
