import { CircuitError, type Clock, type Timer } from '@circuit/base';
import type { Carrier, CarrierEvents } from '../session/carrier.js';
import type { PeerInfo } from '../types.js';
import type { FreshLink } from './fresh-link.js';
import { ResumeStream } from './resume-stream.js';
import { goneSegment } from './segments.js';

/** What both sides have agreed on, and what the driver of a side wants to hear. */
export interface ResumeCarrierOptions {
  readonly clock: Clock;
  /** The smaller of both sides'. */
  readonly timeMs: number;
  readonly bufferBytes: number;
  readonly peerBufferBytes: number;
  /** The connection was lost; somebody may call `resume`. */
  onAway(reason: Error | undefined): void;
  onConnected(): void;
  /** Nobody may call `resume` any more. */
  onOver(): void;
  /** This side gave the session up and the peer could not be told, or may not have heard it. */
  onUnheard?(reason: string): void;
}

/** A connection that lasts longer is one, though nothing was said over it. */
export const lastingMs = 10_000;

type Line =
  | { readonly name: 'connected'; readonly link: FreshLink }
  | { readonly name: 'away'; readonly timer: Timer }
  | { readonly name: 'over' };

/**
 * A carrier that goes on from connection to connection; the table of its states is in docs/protocol.md, section 12.
 *
 *     connected ─lost─▶ away ─resume()─▶ connected        connected ─resume(): the newer wins─▶ connected
 *     away ─timeMs, too much kept─▶ over (peer gone)      any ─GONE, fault, destroy(), both ENDs─▶ over
 */
export class ResumeCarrier implements Carrier {
  readonly peer: PeerInfo;
  readonly #options: ResumeCarrierOptions;
  readonly #stream: ResumeStream;
  /** Backpressure begins here, so that frames which need no credit still have room. */
  readonly #softBytes: number;
  #events: CarrierEvents | undefined;
  #line: Line;
  #latest: Carrier;
  #complaint = '';
  #connectedAt: number;
  /** Since when no connection has brought anything, and what had been received then. */
  #awaySince = 0;
  #received = -1;
  /** What GONE said on a connection that has not ended yet. */
  #farewell: string | undefined;

  constructor(link: FreshLink, options: ResumeCarrierOptions) {
    this.peer = withoutKeys(link.carrier.peer);
    this.#options = options;
    this.#softBytes = Math.floor(options.bufferBytes / 2);
    this.#stream = new ResumeStream(options.peerBufferBytes, {
      data: (chunk) => {
        if (this.#line.name !== 'over') this.#events?.data(chunk);
      },
      ended: () => this.#stream.end(),
      gone: (reason) => this.giveUp(new CircuitError('peer-gone', `the other side gave the session up: ${reason}`)),
    });
    this.#line = { name: 'connected', link };
    this.#latest = link.carrier;
    this.#connectedAt = options.clock.now();
  }

  get state(): Line['name'] {
    return this.#line.name;
  }

  get received(): number {
    return this.#stream.received;
  }

  get bufferedBytes(): number {
    const waiting = Math.max(0, this.#stream.keptBytes - this.#softBytes);
    return this.#line.name === 'connected' ? Math.max(waiting, this.#line.link.carrier.bufferedBytes) : waiting;
  }

  schedule(run: () => void): void {
    this.#latest.schedule(run);
  }

  start(events: CarrierEvents): void {
    this.#events = events;
    if (this.#line.name === 'connected') this.#listen(this.#line.link);
  }

  write(pieces: Uint8Array[]): void {
    if (this.#line.name === 'over') return;
    this.#stream.say(pieces);
    if (this.#line.name === 'connected') this.#flush(this.#line.link);
    else if (this.#stream.keptBytes > this.#options.bufferBytes) this.schedule(() => this.#checkKept());
  }

  end(): void {
    this.#stream.end();
    if (this.#line.name === 'connected') this.#flush(this.#line.link);
  }

  destroy(): void {
    this.#leave('aborted');
    this.#events?.closed();
  }

  /** The session has heard nothing for too long: the connection is given up, not the peer. */
  silent(silentMs: number): void {
    if (this.#line.name !== 'connected') return;
    const { link } = this.#line;
    this.#lost(link, new Error(`no sign of life for ${silentMs} ms`));
    link.destroy();
  }

  /** Why the latest attempt to resume failed; stands in the error when time is over. */
  complain(reason: string): void {
    this.#complaint = reason;
  }

  /**
   * Goes on over `link`, whose peer has proved the token and has received `peerReceived` bytes; `greet` gets what this
   * side has received before anything else is written. A connection still in use is closed.
   */
  resume(link: FreshLink, peerReceived: number, greet?: (received: number) => void): void {
    if (this.#line.name === 'over') {
      link.destroy();
      return;
    }
    const fault = this.#stream.continueFrom(peerReceived);
    const before = this.#line;
    this.#line = { name: 'connected', link };
    this.#latest = link.carrier;
    this.#connectedAt = this.#options.clock.now();
    if (before.name === 'away') before.timer.cancel();
    else before.link.destroy();
    if (fault !== undefined) {
      this.#fault(fault);
      return;
    }
    this.#complaint = '';
    greet?.(this.#stream.received);
    this.#flush(link);
    // All was said and confirmed: the connection is ending, and has its time for that.
    if (!this.#uses(link)) return;
    this.#options.onConnected();
    // The session counts silence: a connection that has just been proved is a sign of life.
    this.#events?.data(nothing);
    this.#listen(link);
    this.#events?.drained();
  }

  /** The session is over: what is open fails with `reason`, unless the peer had ended already. */
  giveUp(reason: CircuitError): void {
    if (this.#line.name === 'over') return;
    const orderly = this.#stream.endReceived;
    if (this.#line.name === 'connected') this.#line.link.end();
    this.#over();
    this.#events?.closed(orderly ? undefined : reason);
  }

  #listen(link: FreshLink): void {
    link.handOver({
      data: (chunk) => this.#receive(link, chunk),
      drained: () => {
        if (this.#uses(link)) this.#events?.drained();
      },
      closed: (reason) => this.#lost(link, reason),
    });
  }

  #uses(link: FreshLink): boolean {
    return this.#line.name === 'connected' && this.#line.link === link;
  }

  #receive(link: FreshLink, chunk: Uint8Array): void {
    if (!this.#uses(link)) return;
    const waited = this.#stream.keptBytes > this.#softBytes;
    const fault = this.#stream.receive(chunk);
    if (!this.#uses(link)) return;
    if (fault !== undefined) {
      this.#fault(fault);
      return;
    }
    if (waited) this.#events?.drained();
    this.#flush(link);
  }

  /** Writes what waits, the confirmation owed, and ends the connection when all is said on both sides. */
  #flush(link: FreshLink): void {
    const pieces = this.#stream.output();
    const confirmation = this.#stream.confirmation();
    if (confirmation !== undefined) pieces.push(confirmation);
    if (pieces.length > 0) {
      link.carrier.write(
        pieces,
        pieces.reduce((sum, piece) => sum + piece.length, 0),
      );
    }
    if (!this.#stream.complete) return;
    link.end();
    this.#over();
    this.#events?.closed();
  }

  #lost(link: FreshLink, reason: Error | undefined): void {
    if (!this.#uses(link)) {
      const farewell = this.#farewell;
      this.#farewell = undefined;
      if (farewell !== undefined && reason !== undefined) this.#options.onUnheard?.(farewell);
      return;
    }
    const { clock, timeMs } = this.#options;
    const now = clock.now();
    // A connection that brought nothing and was soon gone does not begin the time anew.
    if (this.received > this.#received || now - this.#connectedAt > lastingMs) this.#awaySince = now;
    this.#received = this.received;
    const timer = clock.after(Math.max(0, this.#awaySince + timeMs - now), () => {
      const why = this.#complaint === '' ? (reason?.message ?? 'hung up') : this.#complaint;
      this.giveUp(new CircuitError('peer-gone', `away for ${timeMs} ms: ${why}`));
    });
    this.#line = { name: 'away', timer };
    this.#options.onAway(reason);
  }

  #checkKept(): void {
    const { keptBytes } = this.#stream;
    const { bufferBytes } = this.#options;
    if (this.#line.name !== 'away' || keptBytes <= bufferBytes) return;
    this.giveUp(
      new CircuitError('peer-gone', `away with ${keptBytes} bytes to say, the limit is ${bufferBytes} (bufferBytes)`),
    );
  }

  #fault(fault: string): void {
    this.#leave(fault);
    this.#events?.closed(new CircuitError('protocol', fault));
  }

  /** Tells the peer that the session is over, if it can be told. */
  #leave(reason: string): void {
    const line = this.#line;
    this.#over();
    if (line.name === 'away') this.#options.onUnheard?.(reason);
    if (line.name !== 'connected') return;
    this.#farewell = reason;
    const segment = goneSegment(reason);
    line.link.carrier.write([segment], segment.length);
    line.link.end();
  }

  #over(): void {
    if (this.#line.name === 'over') return;
    if (this.#line.name === 'away') this.#line.timer.cancel();
    this.#line = { name: 'over' };
    this.#stream.stop();
    this.#options.onOver();
  }
}

/** Keying material is bound to one connection, which says nothing of the next. */
function withoutKeys(peer: PeerInfo): PeerInfo {
  return Object.fromEntries(Object.entries(peer).filter(([name]) => name !== 'exportKey')) as unknown as PeerInfo;
}

const nothing = new Uint8Array(0);
