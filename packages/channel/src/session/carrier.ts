import type { PeerInfo } from '../types.js';
import type { Lane } from './lane.js';

/** What a carrier tells its session. */
export interface CarrierEvents {
  /**
   * Bytes arrived, in order. The memory of `chunk` may be used again when this returns, unless it is given away (`owned`): then it is the
   * session's, and of who reads its streams.
   */
  data(chunk: Uint8Array, owned?: boolean): void;
  /** Something that waited was taken by the operating system. */
  drained(): void;
  /** No more bytes come in either direction; `reason` if that was not an orderly end: a `CircuitError` stands, else `peer-gone`. */
  closed(reason?: Error): void;
}

/** An ordered, reliable, private way for bytes between two processes: all that a session needs of a network. */
export interface Carrier {
  readonly peer: PeerInfo;
  /** Hands descriptors over beside the bytes, if the peer can take them. */
  readonly lane?: Lane | undefined;
  /** Runs its argument at the end of the current turn. */
  schedule(run: () => void): void;
  /** Begins to deliver events. Called once. `busyPollMs`: see `SessionOptions`; for carriers whose process sleeps until something comes. */
  start(events: CarrierEvents, busyPollMs?: number): void;
  /** Takes over the pieces of one write. Answers `true` if nothing waits to be written and the memory of all that was may be used again. */
  write(pieces: Uint8Array[], bytes: number): unknown;
  readonly bufferedBytes: number;
  /** Ends our direction behind what was written. */
  end(): void;
  /** Ends both directions at once. */
  destroy(): void;
  /** The session has heard nothing for so long. A carrier that can go on over another connection does; without this method the peer is given up. */
  silent?(silentMs: number): void;
}
