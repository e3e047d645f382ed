import type { CircuitError } from '@circuit/base';
import type { Descriptor } from '../local/descriptor.js';
import type { Entry } from './entry.js';
import { InBytes } from './in-bytes.js';
import type { Link } from './link.js';

/** Hands descriptors over beside the bytes of a session (docs/protocol.md, section 15). One for each session. */
export interface Lane {
  /** What this side's HELLO says: 16 bytes that nobody can guess. */
  readonly token: Uint8Array;
  /** The peer has a lane as well; `token` is its own. `false`: this one does not lead there. */
  agreed(token: Uint8Array): boolean;
  /** Takes `descriptor` over, to hand it on under the id that `entry` gets next; `false`: a byte stream has to stand in. */
  pass(link: Link, entry: Entry, descriptor: Descriptor): boolean;
  /** The half of a descriptor that the peer announces. */
  accept(link: Link, entry: Entry): InDescriptor;
  /** The session is over; `aborted`: by this side, so what was not received is wanted no more. */
  end(reason: CircuitError, aborted?: boolean): void;
}

/** The receiving half of a descriptor: a stream of no bytes that is over when the descriptor is here. */
export abstract class InDescriptor extends InBytes {
  /** What stands in the message. */
  abstract readonly descriptor: Descriptor;
}
