import type { CircuitError } from '@circuit/base';
import type { MemberRecord, SealedRecord } from '../record.js';
import type { Joined, MemberChanges, Member, MembershipEvent } from '../types.js';

/** What one server says to another about a third, or about itself. */
export interface Entry {
  readonly record: MemberRecord;
  /** Absent for the own record, which the driver seals. */
  readonly sealed?: SealedRecord;
  /** The server of exactly this record was found dead. */
  readonly dead: boolean;
}

/** Why a dial is made: for a caller of `join`, or to reach a member. */
export type DialTarget =
  | { readonly type: 'seed'; readonly seed: number }
  | { readonly type: 'member'; readonly id: string };

/**
 * How a dial failed. `refused`: nobody listens there, or another server does: the member is dead. `silent`: no answer:
 * the way is cut, or the process stands still. `busy`: its server answered, and no link came of it. `known`: its server is linked already,
 * or is this one. `denied`: it could not prove who it is, or does not speak to us.
 */
export type DialFailure = 'refused' | 'silent' | 'busy' | 'known' | 'denied';

/** What the driver reports. A link is a session on which both servers have proved who they are. */
export type MeshEvent =
  | { readonly type: 'join'; readonly seed: number; readonly address: string }
  | { readonly type: 'forget'; readonly seed: number }
  | { readonly type: 'linked'; readonly link: number; readonly peer: LinkPeer; readonly target?: DialTarget }
  | { readonly type: 'heard'; readonly link: number; readonly entries: readonly Entry[] }
  /** `silentMs`: for how long nothing had been heard when it was given up for that; 0 for any other end. */
  | { readonly type: 'lost'; readonly link: number; readonly silentMs: number }
  | {
      readonly type: 'dial-failed';
      readonly target: DialTarget;
      readonly failure: DialFailure;
      readonly error: CircuitError;
    }
  | { readonly type: 'announce'; readonly changes: MemberChanges }
  | { readonly type: 'renamed'; readonly self: MemberRecord }
  | { readonly type: 'leave' }
  | { readonly type: 'tick' };

/** Who is at the other end of a link, and which side dialled. */
export interface LinkPeer {
  readonly id: string;
  readonly boot: string;
  readonly dialledByUs: boolean;
}

/** What the driver has to do, in order. */
export type Effect =
  /** `limitMs`: how long the dial and the introduction may take; absent: the usual time. */
  | { readonly type: 'dial'; readonly target: DialTarget; readonly address: string; readonly limitMs?: number }
  | { readonly type: 'tell'; readonly link: number; readonly entries: readonly Entry[] }
  /** `gently`: once the peer has heard what it was told. */
  | { readonly type: 'hang-up'; readonly link: number; readonly reason: CircuitError; readonly gently: boolean }
  /** The first words of the peer were heard and taken: its session may be used. */
  | { readonly type: 'ready'; readonly link: number }
  | { readonly type: 'view'; readonly event: MembershipEvent }
  | { readonly type: 'seed-done'; readonly seed: number; readonly result: Joined }
  | { readonly type: 'seed-failed'; readonly seed: number; readonly error: CircuitError }
  /** The own key belongs to an earlier server: answer with `renamed`. */
  | { readonly type: 'twin'; readonly twin: Member };
