import { type Carrier, type CarrierEvents, memoryPair } from '@circuit/channel';

/** How many bytes a connection carries in each direction before it breaks. */
export interface CutAfter {
  readonly forth?: number;
  readonly back?: number;
}

/** A connection in the process, whose two carriers hear of its end at once when it breaks. */
export class CutPair {
  readonly near: Carrier;
  readonly far: Carrier;
  forth = 0;
  back = 0;
  readonly #raw: readonly [Carrier, Carrier];

  constructor(cut: CutAfter = {}, far: Partial<Carrier['peer']> = {}) {
    this.#raw = memoryPair('cut');
    const [near, other] = this.#raw;
    this.near = limited(near, (bytes) => this.#pass('back', bytes, cut.back ?? Infinity));
    this.far = limited(other, (bytes) => this.#pass('forth', bytes, cut.forth ?? Infinity), far);
  }

  /** Breaks it now, without a word. */
  break(): void {
    for (const carrier of this.#raw) carrier.destroy();
  }

  /** How many of `bytes` get through. */
  #pass(direction: 'forth' | 'back', bytes: number, limit: number): number {
    const passed = Math.min(bytes, limit - this[direction]);
    this[direction] += passed;
    if (this[direction] >= limit) queueMicrotask(() => this.break());
    return passed;
  }
}

/** `carrier`, of whose incoming bytes only so many come through as `pass` says. */
function limited(carrier: Carrier, pass: (bytes: number) => number, more: Partial<Carrier['peer']> = {}): Carrier {
  return {
    peer: { ...carrier.peer, ...more },
    get bufferedBytes() {
      return carrier.bufferedBytes;
    },
    schedule: (run) => carrier.schedule(run),
    start(events: CarrierEvents) {
      carrier.start({
        drained: () => events.drained(),
        closed: (reason) => events.closed(reason),
        data(chunk) {
          const passed = pass(chunk.length);
          if (passed > 0) events.data(chunk.subarray(0, passed));
        },
      });
    },
    write: (pieces, bytes) => carrier.write(pieces, bytes),
    end: () => carrier.end(),
    destroy: () => carrier.destroy(),
  };
}
