import { type Random, randomInt } from '@circuit/base';
import type { Carrier } from '@circuit/channel';

/** Changes what goes over a connection, now and then, until it has changed `most` chunks. */
export class Meddler {
  readonly #random: Random;
  #left: number;

  constructor(random: Random, most: number) {
    this.#random = random;
    this.#left = most;
  }

  /** `carrier`, of which other bytes come in than were sent. What its user throws at them is given to `thrown`. */
  between(carrier: Carrier, thrown: (error: unknown) => void): Carrier {
    return {
      peer: carrier.peer,
      get bufferedBytes() {
        return carrier.bufferedBytes;
      },
      schedule: (run) => carrier.schedule(run),
      start: (events) => {
        carrier.start({
          drained: () => events.drained(),
          closed: (reason) => events.closed(reason),
          data: (chunk) => {
            try {
              for (const piece of this.#changed(chunk)) events.data(piece);
            } catch (error) {
              thrown(error);
            }
          },
        });
      },
      write: (pieces, bytes) => carrier.write(pieces, bytes),
      end: () => carrier.end(),
      destroy: () => carrier.destroy(),
    };
  }

  #pick(sides: number): number {
    return randomInt(this.#random, sides);
  }

  #changed(chunk: Uint8Array): Uint8Array[] {
    if (this.#left <= 0 || chunk.length === 0 || this.#pick(3) > 0) return [chunk];
    this.#left--;
    const copy = chunk.slice();
    // What begins a segment or step stands at the front of most chunks.
    const at = this.#pick(this.#pick(2) === 0 ? Math.min(copy.length, 100) : copy.length);
    switch (this.#pick(6)) {
      case 0:
        copy[at] = this.#pick(256);
        return [copy];
      case 1:
        copy[at] = (copy[at] ?? 0) ^ (1 << this.#pick(8));
        return [copy];
      case 2:
        return [copy.subarray(0, at)];
      case 3:
        return [copy, copy.slice()];
      case 4:
        return [copy.subarray(at)];
      default:
        return [
          copy.subarray(0, at),
          Uint8Array.from({ length: 1 + this.#pick(40) }, () => this.#pick(256)),
          copy.subarray(at),
        ];
    }
  }
}
