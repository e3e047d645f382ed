import type { WaitOptions } from '@circuit/base';
import type { Session } from '@circuit/channel';
import type { Member, RejoinResponse } from '@circuit/protocol';

/** What the daemon needs to know of its cluster. */
export interface Cluster {
  /** This server. */
  readonly self: Member;
  /** The living servers, this one among them, sorted by id. */
  members(): readonly Member[];
  /**
   * The session to another server; waits while its link is being made. Rejects with `not-found` for a server that is not in
   * this cluster, `unreachable` when its link does not come about.
   */
  sessionTo(id: string, options?: WaitOptions): Promise<Session>;
  /** Merges this cluster with the one at `address`. */
  rejoin(address: string, options?: WaitOptions): Promise<RejoinResponse>;
}
