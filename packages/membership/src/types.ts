import type { CircuitError, WaitOptions } from '@circuit/base';
import type { Accepted, Session } from '@circuit/channel';
import type { ServerIdentity } from '@circuit/keys';

/** A server as the others know it. Its own signature stands behind every field, so nobody can speak for another. */
export interface Member {
  /** `X` and 16 hexadecimal digits: the first 64 bits of the SHA-256 of the server's public key. */
  readonly id: string;
  /** A circuit address that others can reach. */
  readonly addr: string;
  readonly name: string;
  readonly version: string;
  readonly dc: string;
  readonly labels: Readonly<Record<string, string>>;
  /** When this start of the server began, ISO 8601 in UTC by its own clock. */
  readonly joined: string;
  /** 16 hexadecimal digits drawn at every start: tells a restart, and a twin with a copied key, from the server itself. */
  readonly boot: string;
  /** Counts the records of the server; the highest one holds. */
  readonly incarnation: number;
}

/** What a server may change about itself while it runs. */
export type MemberChanges = Partial<Pick<Member, 'addr' | 'name' | 'version' | 'dc' | 'labels'>>;

/**
 * What a watcher hears. `snapshot` replaces everything heard before. `leave` tells whether the server said goodbye
 * (`left`) or was found dead (`lost`); a server that was restarted is `lost` and joins again.
 */
export type MembershipEvent =
  | { readonly type: 'snapshot'; readonly members: readonly Member[] }
  | { readonly type: 'join'; readonly member: Member }
  | { readonly type: 'update'; readonly member: Member }
  | { readonly type: 'leave'; readonly member: Member; readonly reason: 'left' | 'lost' };

/** How a join is watched and given up. */
export interface JoinOptions extends WaitOptions {
  /** Hears why nobody answered when a dial has failed and will be tried again: the first time only. */
  readonly onRetry?: (reason: CircuitError) => void;
}

/** How a join ended. */
export interface Joined {
  /** False when the server at that address was in this cluster already, or is this server itself. */
  readonly changed: boolean;
  /** Living members afterwards, this server included. */
  readonly members: number;
}

/** The target of the channels that servers open to each other for their membership. */
export const membershipTarget = '~membership';

/**
 * Who is alive.
 *
 * Guarantees:
 * - The own view always holds `self`, until `leave()`.
 * - Members that can reach each other come to the same view once nothing joins, leaves or dies any more.
 * - A record is as its server signed it, never older than one shown before; no other server can change it. That a server is
 *   dead is the word of any one member; a living server that hears so contradicts and stays, or comes back.
 * - Events are told in order, one at a time, and each changes the view by exactly what it says.
 * - Not promised: that two views agree at any one moment, that the members of a view answer at this moment, or agreement of a
 *   majority. A cut network gives each side a view of its own; they become one again by themselves when it heals.
 */
export interface Membership {
  /** This server's own record as of now. */
  readonly self: Member;
  /** The living members, `self` among them, sorted by id. */
  members(): readonly Member[];
  /**
   * Calls `listener` with a snapshot before it returns, then with every change, and with a snapshot again after a gap.
   * What the listener throws is logged. The result ends the watch.
   */
  watch(listener: (event: MembershipEvent) => void): () => void;
  /** The open session to the living member `id`; `undefined` for unknown ones, for `self`, and while a link is being made. */
  sessionTo(id: string): Session | undefined;
  /** Changes the own record and tells all. Throws `invalid` for what is too long, `closed` after an end. */
  announce(changes: MemberChanges): void;
  /**
   * Makes this server's cluster and the one at `address` one. Tries again while nobody answers there, until `signal` fires
   * or `close()`. Rejects with `denied` when the server there cannot prove who it is, `limit` when the clusters are too
   * large together, `protocol` when it speaks something else, `closed` when this
   * membership ended first.
   */
  join(address: string, options?: JoinOptions): Promise<Joined>;
  /**
   * Takes over a channel whose target is {@link membershipTarget}, from a session that the owner accepted. The owner hands over
   * only channels of peers that may act as a server, and goes on accepting the session's other channels itself. Never
   * throws; a peer that breaks the rules has its channel ended with the reason.
   */
  accept(accepted: Accepted, session: Session): void;
  /** Says goodbye to all, waits a bounded time until they have heard it, and closes. */
  leave(): Promise<void>;
  /** Ends without a word: every link, dial and timer. The others find out by themselves. Idempotent. */
  close(): Promise<void>;
}

/** What the owner of a membership hears besides the view. Called one at a time; what they throw is logged. */
export interface MembershipHooks {
  /**
   * A session to another server stands, whichever side dialled. For those that membership dialled (`dialled`) the owner
   * begins to accept channels; it does not close them. May be told of several sessions of one member in a row.
   */
  onSession?(session: Session, memberId: string, dialled: boolean): void;
  /**
   * Another living server holds this server's key and was there first. This one goes on under the identity that it is given;
   * the owner stores it and warns. When it rejects, or without this hook, membership closes.
   */
  onTwin?(twin: Member): Promise<ServerIdentity> | ServerIdentity;
}
