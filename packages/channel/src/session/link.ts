import type { CircuitError } from '@circuit/base';
import type { Codec } from '../codec/codec.js';
import type { Homecomings } from '../home/homecomings.js';
import type { Slab } from '../local/slab.js';
import type { Entry } from './entry.js';
import type { Lane } from './lane.js';
import type { SessionLimits } from './limits.js';
import type { Unread } from './unread.js';
import type { Writer } from './writer.js';

/** What the halves of a channel need of their session. */
export interface Link {
  readonly writer: Writer;
  readonly limits: SessionLimits;
  /** Counts what arrived and was not taken. */
  readonly unread: Unread;
  /** Holds what is on its way to a waiting receiver. */
  readonly slab: Slab;
  /** What the peer announced; before its HELLO nothing has credit. */
  readonly peerLimits: SessionLimits | undefined;
  /** Hears and tells of ends that come home; `undefined` in a page. */
  readonly home: Homecomings | undefined;
  /** Hands descriptors over; `undefined` where a byte stream has to stand in. */
  readonly lane: Lane | undefined;
  /** What new sends and opens fail with; `undefined` while the session lives. */
  readonly refusal: CircuitError | undefined;
  /** How many more channels the peer's table takes. */
  readonly freeChannels: number;
  /** Gives `entry` its id, just before the frame that announces it is written. */
  announce(entry: Entry): void;
  /** Takes an entry out of the table when all is said. */
  retire(entry: Entry): void;
  /** Counts bytes that queue for credit or the writer's turn. */
  countUnsent(bytes: number): void;
  /** The codec of that name; throws `unsupported`. */
  codec(name: string): Codec;
}
