import { memoryLanes } from '../descriptors/memory-lane.js';
import { endOfTurn, nextTurn } from '../local/turn.js';
import type { Carrier, CarrierEvents } from '../session/carrier.js';
import type { Lane } from '../session/lane.js';
import type { PeerInfo } from '../types.js';

/** Two carriers in one process, joined: what one writes the other receives, as bytes. */
export function memoryPair(name = 'pair'): [Carrier, Carrier] {
  const [one, other] = memoryLanes();
  const a = new MemoryCarrier(name, one);
  const b = new MemoryCarrier(name, other);
  a.join(b);
  b.join(a);
  return [a, b];
}

/** At most this many bytes are delivered in one turn, so that two busy sides take turns. */
const turnBytes = 262_144;

class MemoryCarrier implements Carrier {
  readonly peer: PeerInfo;
  readonly lane: Lane | undefined;
  bufferedBytes = 0;
  #other: MemoryCarrier | undefined;
  #events: CarrierEvents | undefined;
  #outgoing: Uint8Array[] = [];
  #scheduled = false;
  #ending = false;
  #closed = false;

  constructor(name: string, lane: Lane | undefined) {
    this.lane = lane;
    this.peer = { carrier: 'memory', address: name, local: true };
  }

  join(other: MemoryCarrier): void {
    this.#other = other;
  }

  schedule(run: () => void): void {
    endOfTurn(run);
  }

  start(events: CarrierEvents): void {
    this.#events = events;
    this.#other?.pump();
  }

  write(pieces: Uint8Array[], bytes: number): void {
    if (this.#closed || this.#ending) return;
    for (const piece of pieces) this.#outgoing.push(piece);
    this.bufferedBytes += bytes;
    this.pump();
  }

  end(): void {
    this.#ending = true;
    this.pump();
  }

  destroy(): void {
    this.#outgoing = [];
    this.bufferedBytes = 0;
    this.#close();
    nextTurn(() => this.#other?.lost());
  }

  /** Delivers what waits in a turn of its own, once the other side listens. */
  pump(): void {
    if (this.#scheduled || this.#other?.listening !== true) return;
    this.#scheduled = true;
    nextTurn(this.#deliver);
  }

  get listening(): boolean {
    return this.#events !== undefined;
  }

  receive(chunk: Uint8Array): void {
    if (!this.#closed) this.#events?.data(chunk, true);
  }

  /** The other side has written its last byte: answers in kind and is closed. */
  ended(): void {
    this.#ending = true;
    if (this.#outgoing.length === 0) this.#close();
  }

  lost(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#events?.closed(new Error('connection reset'));
  }

  readonly #deliver = (): void => {
    this.#scheduled = false;
    let left = turnBytes;
    let count = 0;
    for (const piece of this.#outgoing) {
      if (left <= 0) break;
      left -= piece.length;
      count++;
      this.#other?.receive(piece);
    }
    const delivered = this.#outgoing.splice(0, count);
    for (const piece of delivered) this.bufferedBytes -= piece.length;
    if (this.#outgoing.length > 0) this.pump();
    else if (this.#ending) {
      this.#other?.ended();
      this.#close();
      return;
    }
    if (count > 0) this.#events?.drained();
  };

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#events?.closed();
  }
}
