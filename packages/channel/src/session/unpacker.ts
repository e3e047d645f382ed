import { CircuitError } from '@circuit/base';
import type { Codec, Revive } from '../codec/codec.js';
import { reviver } from '../values/revive.js';
import * as refKind from '../wire/ref-kind.js';
import type { Entry } from './entry.js';
import { InDescriptor } from './lane.js';
import { standIn } from './stand-in.js';

/** Decodes the bodies of one session's messages and puts the ends that came with them in their places. */
export class Unpacker {
  readonly #revive: Revive = reviver({ end: (index) => this.#claim(index), standIn });
  #refs: readonly Entry[] = none;
  #claimed: Set<number> | undefined;

  /** The value of `body`. Throws when it does not decode, or when a reference stands twice or not at all. */
  unpack(codec: Codec, body: Uint8Array, refs: readonly Entry[] | undefined, ret: boolean): unknown {
    this.#refs = refs ?? none;
    this.#claimed = undefined;
    const value = codec.decode(body, this.#revive);
    // The claims were made during the decoding, which the compiler cannot see.
    const claimed = (this.#claimed as Set<number> | undefined)?.size ?? 0;
    const spare = this.#refs.length - claimed - (ret ? 1 : 0);
    if (spare !== 0) throw new CircuitError('protocol', `${spare} references of a message do not stand in it`);
    for (const entry of this.#refs) entry.away?.begin();
    return value;
  }

  #claim(index: number): unknown {
    const entry = this.#refs[index];
    this.#claimed ??= new Set();
    if (entry === undefined || this.#claimed.has(index)) {
      throw new CircuitError('protocol', `reference ${index} does not exist or stands twice`);
    }
    this.#claimed.add(index);
    if (entry.in instanceof InDescriptor) return entry.in.descriptor;
    if (entry.kind === refKind.duplex) return { reader: entry.in, writer: entry.out };
    return entry.away?.bring(entry) ?? entry.in ?? entry.out;
  }
}

const none: readonly Entry[] = [];
