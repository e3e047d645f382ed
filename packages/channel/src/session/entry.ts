import type { CircuitError } from '@circuit/base';
import type { Away } from '../home/away.js';
import type { RefKind } from '../wire/frame.js';
import type { InBytes } from './in-bytes.js';
import type { InMessage } from './in-message.js';
import type { OutBytes } from './out-bytes.js';
import type { OutMessage } from './out-message.js';

/**
 * One id of a session: a half for each direction it has. It stands in the table from its announcement until each of its
 * directions is over, which is when both sides have said so: the sender by CLOSE or ABORT, the receiver by DONE or CANCEL.
 */
export class Entry {
  /** 0 until announced. */
  id = 0;
  /** Settled when the entry is announced. */
  kind: RefKind;
  out: OutMessage | OutBytes | undefined;
  in: InMessage | InBytes | undefined;
  /** Of an own id: the end of this process that it stands for. Of a peer's id: the end that it brings home. */
  away: Away | undefined;

  constructor(kind: RefKind) {
    this.kind = kind;
  }

  get announced(): boolean {
    return this.id !== 0;
  }

  /** Whether each direction is over. */
  get over(): boolean {
    return (this.out?.over ?? true) && (this.in?.over ?? true);
  }

  /** Ends what is still open of an end that nobody will ever hold. */
  refuse(reason: CircuitError): void {
    this.out?.abortNow(reason);
    this.in?.cancelNow(reason);
  }

  /** The session is gone: both directions end with `reason`. */
  fail(reason: CircuitError): void {
    this.out?.fail(reason);
    this.in?.fail(reason);
  }
}
