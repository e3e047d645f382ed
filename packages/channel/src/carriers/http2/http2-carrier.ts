import { constants, type Http2Stream } from 'node:http2';
import type { Clock, Timer } from '@circuit/base';
import { endOfTurn } from '../../local/turn.js';
import type { Carrier, CarrierEvents } from '../../session/carrier.js';
import type { PeerInfo } from '../../types.js';
import { BusyPoll } from '../polling/busy-poll.js';
import { ConnectionWatch } from './connection-watch.js';

/** Names the bodies of both directions, so that nothing else that answers a POST is taken for a session. */
export const channelType = 'application/vnd.circuit.channel';
/** 64 KiB, the default, halves the throughput; a session always reads, so it costs no memory. */
export const windowBytes = 4_194_304;

/** How long a peer may take to end its half after ours is over. */
export const lingerMs = 5000;

/** One stream of an HTTP/2 connection as a carrier. Takes the stream over; nothing is read before `start`. */
export class Http2Carrier implements Carrier {
  readonly peer: PeerInfo;
  readonly #stream: Http2Stream;
  readonly #clock: Clock;
  readonly #watch: ConnectionWatch;
  #busyPoll: BusyPoll | undefined;
  #failure: Error | undefined;
  #linger: Timer | undefined;

  constructor(stream: Http2Stream, peer: PeerInfo, clock: Clock) {
    this.#stream = stream;
    this.peer = peer;
    this.#clock = clock;
    this.#watch = new ConnectionWatch(stream, clock);
    stream.on('error', (error) => {
      this.#failure ??= error;
    });
    stream.on('close', () => this.#linger?.cancel());
  }

  get bufferedBytes(): number {
    return this.#stream.writableLength;
  }

  schedule(run: () => void): void {
    endOfTurn(run);
  }

  start(events: CarrierEvents, busyPollMs?: number): void {
    const busyPoll = new BusyPoll(busyPollMs);
    this.#busyPoll = busyPoll;
    const stream = this.#stream;
    stream.on('data', (chunk: Buffer) => {
      busyPoll.arrived(chunk);
      this.#watch.active();
      events.data(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength), true);
    });
    stream.on('drain', () => events.drained());
    // The peer said all it had to say; what it did not say goodbye for is lost either way.
    stream.on('end', () => stream.end());
    stream.on('close', () => events.closed(this.#failure));
    if (stream.destroyed) events.closed(this.#failure);
  }

  write(pieces: Uint8Array[], bytes: number): void {
    const stream = this.#stream;
    if (stream.destroyed || stream.closed || stream.writableEnded) return;
    this.#busyPoll?.wrote(pieces, bytes);
    this.#watch.active();
    if (pieces.length === 1) {
      stream.write(pieces[0]);
      return;
    }
    stream.cork();
    for (const piece of pieces) stream.write(piece);
    stream.uncork();
  }

  end(): void {
    if (!this.#stream.destroyed) this.#stream.end();
  }

  /**
   * Ends both directions, without RST_STREAM if that is possible: a peer that counts about a thousand of them ends the whole
   * connection, which behind a proxy carries the sessions of others.
   */
  destroy(): void {
    const stream = this.#stream;
    if (stream.destroyed) return;
    if (stream.writableLength > 0) {
      this.#reset();
      return;
    }
    stream.end();
    stream.resume();
    this.#linger ??= this.#clock.after(lingerMs, () => this.#reset());
  }

  #reset(): void {
    this.#stream.close(constants.NGHTTP2_CANCEL);
  }
}
